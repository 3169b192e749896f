/** `tinystar pull`: a checkpoint from the Hugging Face hub. */
import { basename, join } from 'node:path';
import { buildCommand } from '@stricli/core';
import type { CliContext } from '../context.ts';
import { debugFlag, examples } from '../flags.ts';
import { Stop } from '../stop.ts';

interface Flags {
  readonly to?: string;
  readonly debug: boolean;
}

/** Milliseconds between two lines of progress where there is no terminal. */
const LINE_EVERY = 5000;
const REDRAW = 100;

async function pull(this: CliContext, { to }: Flags, name: string): Promise<void> {
  const { parseModelName, pullModel } = await import('../../model/checkpoint/pull.ts');
  const folder = to ?? basename(parseModelName(name).repository);
  const { stderr } = this.process;
  const isTerminal = stderr.isTTY === true;
  const started = Date.now();
  let told = started;
  const onProgress = (done: number, total: number): void => {
    const now = Date.now();
    if (now - told < (isTerminal ? REDRAW : LINE_EVERY)) return;
    told = now;
    const rate = done / Math.max(1, now - started) / 1000;
    const text = `${name}  ${(done / 1e6).toFixed(0)} of ${(total / 1e6).toFixed(0)} MB  ${rate.toFixed(1)} MB/s`;
    stderr.write(isTerminal ? `\r${text}\x1b[K` : `${text}\n`);
  };
  using stop = new Stop(this.services);
  const { files, bytes, kept } = await pullModel({
    name,
    folder,
    env: process.env,
    signal: stop.signal,
    onProgress,
  });
  if (isTerminal) stderr.write('\r\x1b[K');
  const already = kept === 0 ? '' : `, ${kept} of them were there`;
  this.process.stdout.write(
    `${join(folder, '')}: ${files.length} files, ${(bytes / 1e6).toFixed(1)} MB${already}; checksums are the hub's\n`,
  );
}

export const pullCommand = buildCommand<Flags, [string], CliContext>({
  func: pull,
  parameters: {
    flags: {
      to: {
        kind: 'parsed',
        parse: String,
        brief: "Folder to put it in; the model's name unless told",
        placeholder: 'DIR',
        optional: true,
      },
      debug: debugFlag,
    },
    positional: {
      kind: 'tuple',
      parameters: [{ brief: 'Name on the hub, owner/name', parse: String, placeholder: 'MODEL' }],
    },
  },
  docs: {
    brief: 'Download a checkpoint from the Hugging Face hub',
    fullDescription: examples(
      'Downloads config, tokenizer and safetensors weights. A download that was cut goes on where it was, and every\n' +
        "file's checksum is compared with the hub's. HF_TOKEN and HF_ENDPOINT are heeded.",
      'tinystar pull Qwen/Qwen3-0.6B',
      'tinystar pull Qwen/Qwen3-0.6B@main --to models/small',
    ),
  },
});
