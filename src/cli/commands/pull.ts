/** `tinystar pull`: a checkpoint from the Hugging Face hub. */
import { basename, join } from 'node:path';
import { parseModelName, pullModel } from '../../model/checkpoint/pull.ts';
import { command } from '../command.ts';
import type { CliContext } from '../context.ts';
import { type FlagsOf, optional, text } from '../flags.ts';
import { Stop } from '../stop.ts';

const flags = { to: optional(text("Folder to put it in; the model's name unless told", 'DIR')) };

/** Milliseconds between two lines of progress where there is no terminal. */
const LINE_EVERY = 5000;
const REDRAW = 100;

async function pull(context: CliContext, { to }: FlagsOf<typeof flags>, name: string): Promise<void> {
  const folder = to ?? basename(parseModelName(name).repository);
  const { stdout, stderr } = context.process;
  const isTerminal = stderr.isTTY === true;
  const started = Date.now();
  let drawnAt = started;
  const onProgress = (done: number, total: number): void => {
    const now = Date.now();
    if (now - drawnAt < (isTerminal ? REDRAW : LINE_EVERY)) return;
    drawnAt = now;
    const rate = done / Math.max(1, now - started) / 1000;
    const line = `${name}  ${(done / 1e6).toFixed(0)} of ${(total / 1e6).toFixed(0)} MB  ${rate.toFixed(1)} MB/s`;
    stderr.write(isTerminal ? `\r${line}\x1b[K` : `${line}\n`);
  };
  using stop = new Stop(context.services);
  const { files, bytes, kept } = await pullModel({
    name,
    folder,
    env: process.env,
    signal: stop.signal,
    onProgress,
  });
  if (isTerminal) stderr.write('\r\x1b[K');
  const already = kept === 0 ? '' : `, ${kept} of them were there`;
  stdout.write(
    `${join(folder, '')}: ${files.length} files, ${(bytes / 1e6).toFixed(1)} MB${already}; checksums are the hub's\n`,
  );
}

export const pullCommand = command({
  brief: 'Download a checkpoint from the Hugging Face hub',
  about:
    'Downloads config, tokenizer and safetensors weights. A download that was cut resumes where it was, and every\n' +
    "file's checksum is compared with the hub's. HF_TOKEN and HF_ENDPOINT are heeded.",
  examples: ['tinystar pull Qwen/Qwen3-0.6B', 'tinystar pull Qwen/Qwen3-0.6B@main --to models/small'],
  flags,
  args: [{ brief: 'Name on the hub, owner/name', placeholder: 'MODEL' }],
  run: pull,
});
