/** The bench's training step in PyTorch, in a process of its own: see training_step.py. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { z } from 'zod';

const hello = z.object({ version: z.string() });
const stepped = z.object({ seconds: z.number(), loss: z.number() });

/** The first Python that can import these modules: $PYTHON, the one on the path, Debian's. */
export function pythonWith(modules: string): string | undefined {
  const candidates = [process.env['PYTHON'], 'python3', '/usr/bin/python3'];
  return candidates.find(
    (python) =>
      python !== undefined &&
      spawnSync(python, ['-c', `import ${modules}`], { stdio: 'ignore' }).status === 0,
  );
}

export const pythonWithTorch = (): string | undefined => pythonWith('torch');

export class PyTorchStep implements Disposable {
  readonly version: string;
  readonly #child: ReturnType<typeof spawn>;
  readonly #lines: AsyncIterator<string>;

  private constructor(version: string, child: ReturnType<typeof spawn>, lines: AsyncIterator<string>) {
    this.version = version;
    this.#child = child;
    this.#lines = lines;
  }

  /** Starts the peer on a checkpoint folder (f32) and a file {tokens, prompt_tokens, lr}. */
  static async start(python: string, folder: string, batch: string, threads: number): Promise<PyTorchStep> {
    const script = join(import.meta.dirname, 'training_step.py');
    const child = spawn(python, [script, folder, batch, String(threads)], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { ...process.env, OMP_NUM_THREADS: String(threads) },
    });
    await once(child, 'spawn');
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const { version } = hello.parse(JSON.parse(await nextLine(lines)));
    return new PyTorchStep(version, child, lines);
  }

  /** One training step. */
  async step(): Promise<{ seconds: number; loss: number }> {
    this.#child.stdin?.write('step\n');
    return stepped.parse(JSON.parse(await nextLine(this.#lines)));
  }

  [Symbol.dispose](): void {
    this.#child.stdin?.end();
  }
}

async function nextLine(lines: AsyncIterator<string>): Promise<string> {
  const { value, done } = await lines.next();
  if (done === true) throw new Error('the PyTorch peer ended; its error is printed above');
  return value;
}
