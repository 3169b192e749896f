/** Data sets by their Hugging Face name: `hf:owner/name`, or `hf:owner/name/folder/file.jsonl` for one file of it. */
import { errorText, UserError } from '../../base/errors.ts';

const PREFIX = 'hf:';
const DATA_FILE = /\.(jsonl?(\.gz)?|parquet)$/;

/** Whether an input is a name on the hub. */
export function isHubName(input: string): boolean {
  return input.startsWith(PREFIX);
}

interface HubName {
  readonly repository: string;
  readonly revision: string;
  /** A file or a folder; empty for the whole data set. */
  readonly path: string;
}

/** Takes `hf:owner/name@revision/path` apart. */
export function parseHubName(input: string): HubName {
  const found = /^hf:([^/@\s]+\/[^/@\s]+)(?:@([^/\s]+))?(?:\/(.*))?$/.exec(input);
  if (found === null) {
    throw new UserError(
      'HUB',
      `${input} is no data set's name; write hf:owner/name or hf:owner/name/file.jsonl.`,
    );
  }
  return { repository: found[1] ?? '', revision: found[2] ?? 'main', path: found[3] ?? '' };
}

/** The status of an answer of the hub, if that is what was thrown. */
function statusOf(thrown: unknown): number | undefined {
  const status: unknown =
    typeof thrown === 'object' && thrown !== null && 'statusCode' in thrown ? thrown.statusCode : undefined;
  return typeof status === 'number' ? status : undefined;
}

function hubError(input: string, thrown: unknown): UserError {
  if (thrown instanceof UserError) return thrown;
  const status = statusOf(thrown);
  if (status === 401 || status === 403) {
    return new UserError(
      'HUB',
      `${input} is not open to you (HTTP ${status}); accept its terms on its page, set HF_TOKEN, and check the name.`,
    );
  }
  if (status !== undefined)
    return new UserError('HUB', `The hub has no ${input} (HTTP ${status}); check the name.`);
  return new UserError(
    'HUB_OFFLINE',
    `Cannot reach the hub for ${input} (${errorText(thrown)}); go online, or download the files and give their paths.`,
    { cause: thrown },
  );
}

/** Environment of the hub's own tools. */
export interface HubEnvironment {
  readonly HF_ENDPOINT?: string | undefined;
  readonly HF_TOKEN?: string | undefined;
  readonly HF_HUB_OFFLINE?: string | undefined;
}

/** Downloads a data set's files into the hub's cache and answers their paths; throws a UserError, also offline. */
export async function hubFiles(input: string, env: HubEnvironment): Promise<string[]> {
  const { repository, revision, path } = parseHubName(input);
  if (env.HF_HUB_OFFLINE === '1' || env.HF_HUB_OFFLINE === 'true') {
    throw new UserError(
      'HUB_OFFLINE',
      `HF_HUB_OFFLINE is set, so ${input} is not downloaded; unset it, or give local files.`,
    );
  }
  const { downloadFileToCacheDir, listFiles } = await import('@huggingface/hub');
  const options = {
    repo: { type: 'dataset', name: repository },
    revision,
    ...(env.HF_ENDPOINT === undefined ? {} : { hubUrl: env.HF_ENDPOINT.replace(/\/$/, '') }),
    ...(env.HF_TOKEN === undefined ? {} : { accessToken: env.HF_TOKEN }),
  } as const;
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
