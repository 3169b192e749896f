/** Checkpoints from the Hugging Face hub: downloads that go on where they were cut, and are checked when complete. */
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream, existsSync, mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { UserError } from '../../base/errors.ts';
import { discard, fileError } from '../../base/files.ts';
import { type HubAccess, hubAccess, type HubEnvironment, hubError, hubStatusError } from '../../base/hub.ts';
import { lockFolder } from '../../base/lock.ts';
import { moveFile } from '../../base/output.ts';
import { systemCode } from '../../base/processes.ts';

export interface PullOptions {
  /** `owner/name`, or `owner/name@revision`. */
  readonly name: string;
  /** Folder of the files; made when it is not there. */
  readonly folder: string;
  readonly env: HubEnvironment;
  readonly signal: AbortSignal;
  /** Bytes of all files that are there by now, of how many. */
  readonly onProgress?: (done: number, total: number) => void;
}

export interface Pulled {
  readonly files: readonly string[];
  readonly bytes: number;
  /** Files that were there before, whole. */
  readonly kept: number;
}

/** Files of a checkpoint; other formats of the same weights are left where they are. */
const WANTED =
  /^(config|generation_config|tokenizer|tokenizer_config|special_tokens_map|added_tokens|vocab)\.json$|^merges\.txt$|^chat_template\.jinja$|\.safetensors$|\.safetensors\.index\.json$/;
const DEFAULT_HUB = 'https://huggingface.co';

interface RemoteFile {
  readonly path: string;
  readonly size: number;
  /** SHA-256 of a large file's bytes, or the git object id of a small one. */
  readonly sha256: string | undefined;
  readonly gitId: string | undefined;
}

/** Takes `owner/name@revision` apart. */
export function parseModelName(name: string): { repository: string; revision: string } {
  const found = /^([^/@\s]+\/[^/@\s]+)(?:@(\S+))?$/.exec(name);
  if (found === null)
    throw new UserError('HUB', `${name} is no model's name; write owner/name, as in Qwen/Qwen3-0.6B.`);
  return { repository: found[1] ?? '', revision: found[2] ?? 'main' };
}

/**
 * Downloads a checkpoint's files into a folder. What a cut connection or Ctrl-C leaves is kept and gone on with by
 * the same call; a file has its name only when it is whole and its checksum is the hub's. Throws a UserError.
 */
export async function pullModel({ name, folder, env, signal, onProgress }: PullOptions): Promise<Pulled> {
  const { repository, revision } = parseModelName(name);
  const access = hubAccess(name, env);
  const files = await checkpointFiles(name, repository, revision, access);
  const total = files.reduce((sum, { size }) => sum + size, 0);
  try {
    mkdirSync(folder, { recursive: true });
  } catch (thrown) {
    throw fileError('create', folder, thrown);
  }
  using _lock = lockFolder(folder, 'pull.lock');
  let [before, kept] = [0, 0];
  for (const file of files) {
    signal.throwIfAborted();
    const path = join(folder, file.path);
    if (existsSync(path) && statSync(path).size === file.size && (await matches(path, file))) {
      kept += 1;
    } else {
      const url = `${access.hubUrl ?? DEFAULT_HUB}/${repository}/resolve/${encodeURIComponent(revision)}/${file.path}`;
      const tell = (bytes: number): void => onProgress?.(before + bytes, total);
      await download(`${name}/${file.path}`, url, access, { file, folder, signal, tell });
    }
    before += file.size;
    onProgress?.(before, total);
  }
  return { files: files.map(({ path }) => path), bytes: total, kept };
}

async function checkpointFiles(
  name: string,
  repository: string,
  revision: string,
  access: HubAccess,
): Promise<RemoteFile[]> {
  const { listFiles } = await import('@huggingface/hub');
  const files: RemoteFile[] = [];
  try {
    for await (const entry of listFiles({
      repo: { type: 'model', name: repository },
      revision,
      ...access,
    })) {
      if (entry.type !== 'file' || !WANTED.test(entry.path)) continue;
      const { path, size, lfs } = entry;
      files.push({
        path,
        size: lfs?.size ?? size,
        sha256: lfs?.oid,
        gitId: lfs === undefined ? entry.oid : undefined,
      });
    }
  } catch (thrown) {
    throw hubError(name, thrown);
  }
  if (!files.some(({ path }) => path.endsWith('.safetensors'))) {
    throw new UserError('HUB', `${name} has no weights in safetensors format; pull a model that has them.`);
  }
  // Small files first: a wrong model is noticed before gigabytes have come.
  return files.toSorted((a, b) => a.size - b.size || (a.path < b.path ? -1 : 1));
}

const DISK_FAULTS = new Set(['ENOSPC', 'EDQUOT', 'EROFS', 'EACCES', 'EPERM', 'EIO']);

/** Downloads a file into a folder; `label` is its name in errors. */
async function download(
  label: string,
  url: string,
  access: HubAccess,
  {
    file,
    folder,
    signal,
    tell,
  }: Pick<PullOptions, 'folder' | 'signal'> & {
    readonly file: RemoteFile;
    readonly tell: (bytes: number) => void;
  },
): Promise<void> {
  const part = join(folder, `.${file.path}.part`);
  const there = existsSync(part) ? statSync(part).size : 0;
  const start = there < file.size ? there : 0;
  const headers = {
    ...(start > 0 ? { Range: `bytes=${start}-` } : {}),
    ...(access.accessToken === undefined ? {} : { Authorization: `Bearer ${access.accessToken}` }),
  };
  const response = await fetch(url, { headers, signal }).catch((thrown: unknown) => {
    signal.throwIfAborted();
    throw hubError(label, thrown);
  });
  if (!response.ok) throw hubStatusError(label, response.status);
  // A server that knows no ranges sends all of it again.
  const from = response.status === 206 ? start : 0;
  let done = from;
  const chunks = async function* (): AsyncGenerator<Uint8Array> {
    for await (const chunk of response.body ?? []) {
      done += chunk.byteLength;
      tell(done);
      yield chunk;
    }
  };
  const into = createWriteStream(part, { flags: from > 0 ? 'a' : 'w' });
  await pipeline(chunks, into, { signal }).catch((thrown: unknown) => {
    signal.throwIfAborted();
    throw DISK_FAULTS.has(systemCode(thrown)) ? fileError('write', part, thrown) : cutShort(label, thrown);
  });
  if (statSync(part).size !== file.size) throw cutShort(label);
  if (!(await matches(part, file))) {
    discard(part);
    throw new UserError(
      'HUB_CHECKSUM',
      `${label} came with other bytes than the hub has; re-run the same command.`,
    );
  }
  moveFile(part, join(folder, file.path));
}

function cutShort(label: string, cause?: unknown): UserError {
  return new UserError(
    'HUB_CUT',
    `The download of ${label} ended early; re-run the same command to resume it.`,
    { cause },
  );
}

/** Tells whether a file's bytes are those that the hub has. */
async function matches(path: string, { size, sha256, gitId }: RemoteFile): Promise<boolean> {
  if (sha256 === undefined && gitId === undefined) return true;
  const hash = createHash(sha256 === undefined ? 'sha1' : 'sha256');
  // A git object's id is the hash of its kind, its size and its bytes.
  if (sha256 === undefined) hash.update(`blob ${size}\0`);
  for await (const chunk of createReadStream(path)) hash.update(chunk as Uint8Array);
  return hash.digest('hex') === (sha256 ?? gitId);
}
