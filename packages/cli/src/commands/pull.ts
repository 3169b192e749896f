/** `tinystar pull`: a checkpoint from the Hugging Face hub. */
import { basename, join } from 'node:path';
import { parseModelName, pullModel } from '../../../../src/model/checkpoint/pull.ts';
import { command } from '../command.ts';
import { optional, text } from '../flags.ts';
import { Stop } from '../stop.ts';
import { StatusLine } from '../terminal.ts';

export const pullCommand = command({
  brief: 'Download a checkpoint from the Hugging Face hub',
  about:
    'Downloads config, tokenizer and safetensors weights. A download that was cut resumes where it was, and every\n' +
    "file's checksum is compared with the hub's. HF_TOKEN and HF_ENDPOINT are heeded.",
  examples: ['tinystar pull Qwen/Qwen3-0.6B', 'tinystar pull Qwen/Qwen3-0.6B@main --to models/small'],
  flags: { to: optional(text("Folder to put it in; the model's name unless told", 'DIR')) },
  args: [{ brief: 'Name on the hub, owner/name', placeholder: 'MODEL' }],
  async run(context, { to }, name) {
    const folder = to ?? basename(parseModelName(name).repository);
    const { stdout, stderr, env } = context.process;
    using status = new StatusLine(stderr, context.services.now);
    const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(0);
    const onProgress = (done: number, total: number): void =>
      status.update(
        (seconds) =>
          `${name}  ${megabytes(done)} of ${megabytes(total)} MB  ${(done / seconds / 1e6).toFixed(1)} MB/s`,
      );
    using stop = new Stop(context.services);
    const { signal } = stop;
    const { files, bytes, kept } = await pullModel({ name, folder, env, signal, onProgress });
    status.clear();
    const already = kept === 0 ? '' : `, ${kept} of them were there`;
    stdout.write(
      `${join(folder, '')}: ${files.length} files, ${(bytes / 1e6).toFixed(1)} MB${already}; checksums are the hub's\n`,
    );
  },
});
