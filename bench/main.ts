/**
 * `npm run bench`: speeds on this machine, with what was run. `-- --quick`: in three minutes, beside what they were;
 * `-- --products`: matrix products; `-- --real`: models of published shapes. Repetitions of what is compared are
 * interleaved, since machines are noisy: the medians' ratio is the result, the spread says how far to trust it.
 */
import { availableParallelism, cpus } from 'node:os';
import { Device } from '../src/ggml/device.ts';
import { acebench } from './acebench.ts';
import { bfcl } from './bfcl.ts';
import { dataPipeline } from './data.ts';
import { pythonWithTorch } from './peers/pytorch.ts';
import { products } from './products.ts';
import { quick } from './quick.ts';
import { real } from './real/main.ts';
import { rewards } from './rewards.ts';
import { generation, tinyTitle, training } from './tiny.ts';

const threads = availableParallelism();
const [mode, ...rest] = process.argv.slice(2);
if (mode === '--real') await real(rest);
else {
  using device = Device.open('cpu', threads);
  console.log(
    `${cpus()[0]?.model ?? 'unknown processor'}, ${threads} threads, Node.js ${process.versions.node}, ${device.title}`,
  );
  if (pythonWithTorch() === undefined)
    console.log('no Python with PyTorch here (Debian: python3-torch; or set PYTHON): it is left out');
  if (mode === '--products') await products(device);
  else if (mode === '--quick') process.exitCode = await quick(device, rest);
  else {
    console.log(tinyTitle());
    await training(device, [32, 48, 64]);
    await generation(device);
    await rewards();
    await dataPipeline();
    await bfcl();
    await acebench();
  }
}
