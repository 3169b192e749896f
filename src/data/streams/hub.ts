/** Data sets by their Hugging Face name: `hf:owner/name`, or `hf:owner/name/folder/file.jsonl` for one file of it. */
import { UserError } from '../../base/errors.ts';
import { hubAccess, hubError, type HubEnvironment } from '../../base/hub.ts';

const DATA_FILE = /\.(jsonl?(\.gz)?|parquet)$/;

export function isHubName(input: string): boolean {
  return input.startsWith('hf:');
}

/** Takes `hf:owner/name@revision/path` apart, of which the path is a file or a folder, or empty for the whole data set. */
export function parseHubName(input: string): Readonly<Record<'repository' | 'revision' | 'path', string>> {
  const found = /^hf:([^/@\s]+\/[^/@\s]+)(?:@([^/\s]+))?(?:\/(.*))?$/.exec(input);
  if (found === null) {
    throw new UserError(
      'HUB',
      `${input} is no data set's name; write hf:owner/name or hf:owner/name/file.jsonl.`,
    );
  }
  const [, repository = '', revision = 'main', path = ''] = found;
  return { repository, revision, path };
}

/** Downloads a data set's files into the hub's cache and answers their paths; throws a UserError, also offline. */
export async function hubFiles(input: string, env: HubEnvironment): Promise<string[]> {
  const { repository, revision, path } = parseHubName(input);
  const access = hubAccess(input, env);
  const { downloadFileToCacheDir, listFiles } = await import('@huggingface/hub');
  const options = { repo: { type: 'dataset', name: repository }, revision, ...access } as const;
  try {
    const names: string[] = [];
    if (DATA_FILE.test(path)) names.push(path);
    else {
      for await (const file of listFiles({ ...options, path, recursive: true }))
        if (file.type === 'file' && DATA_FILE.test(file.path)) names.push(file.path);
    }
    if (names.length === 0) {
      throw new UserError(
        'HUB',
        `${input} has no .json, .jsonl or .parquet file; name one of its files or folders.`,
      );
    }
    const files: string[] = [];
    for (const name of names.toSorted()) files.push(await downloadFileToCacheDir({ ...options, path: name }));
    return files;
  } catch (thrown) {
    throw hubError(input, thrown);
  }
}
