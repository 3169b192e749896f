/** `tinystar doctor`: what is installed here, what it computes on, and how fast. */
import { Device, listDevices } from '../../../../src/ggml/device.ts';
import { findLibraries, gpuInstallCommand, PINNED_PACKAGE_VERSION } from '../../../../src/ggml/find.ts';
import { openLibrary } from '../../../../src/ggml/library.ts';
import { formatBytes } from '../../../report/src/numbers.ts';
import { table } from '../../../report/src/table.ts';
import { machineFacts } from '../../../../src/run/machine.ts';
import { PRODUCT_SIZE, SampleProduct } from '../../../../src/tensor/product.ts';
import { probeDevice } from '../../../../src/train/device-probe.ts';
import { command } from '../command.ts';
import { outStyle } from '../context.ts';

/** Billions of operations a second of a sample's matrix product on a device. */
async function matrixSpeed(name: string, threads: number): Promise<number> {
  using device = Device.open(name, threads);
  using product = new SampleProduct(device);
  await product.milliseconds();
  let best = Infinity;
  // The best of several: other programs on the machine only ever make it slower.
  for (let spent = 0, i = 0; i < 10 && spent < 1000; i++) {
    const took = await product.milliseconds();
    best = Math.min(best, took);
    spent += took;
  }
  return (2 * PRODUCT_SIZE ** 3) / best / 1e6;
}

export const doctorCommand = command({
  brief: 'Show versions, engine libraries, devices and their speed',
  about:
    'Shows versions, which engine libraries were found, the devices with their memory, and the speed of a float32\n' +
    'matrix product measured on each.',
  examples: ['tinystar doctor'],
  flags: {},
  async run(context) {
    const style = outStyle(context);
    const print = (text: string): void => {
      context.process.stdout.write(text);
    };
    const facts = machineFacts({ started: new Date() });
    print(
      table([
        [style.dim('tinystar'), facts.version],
        [style.dim('Node.js'), facts.node],
        [style.dim('system'), facts.system],
        [style.dim('processor'), `${facts.processor}, ${facts.cores} threads`],
        [style.dim('memory'), `${facts.memory_gb} GB`],
      ]),
    );
    const library = openLibrary();
    const installed = findLibraries().map(({ packageName, packageVersion, folder }) => {
      const used = folder === library.files.folder;
      const state = used
        ? style.good(`in use: ggml ${library.version}, ${library.symbolCount} functions checked`)
        : style.dim(
            packageVersion === PINNED_PACKAGE_VERSION
              ? 'installed'
              : `passed over, as tinystar needs ${PINNED_PACKAGE_VERSION}`,
          );
      return [packageName, packageVersion, state];
    });
    print(`\n${style.bold('Engine libraries')}\n${table(installed)}`);
    const devices = listDevices();
    const rows: string[][] = [];
    for (const { name, kind, memoryTotal, memoryFree, description } of devices) {
      const speed = await matrixSpeed(name, facts.cores);
      const product = `${speed.toFixed(speed < 10 ? 1 : 0)} GFLOP/s`;
      rows.push([name, kind, formatBytes(memoryTotal), formatBytes(memoryFree), product, description]);
    }
    const product = `${PRODUCT_SIZE} x ${PRODUCT_SIZE} product`;
    const head = ['name', 'kind', 'memory', 'free', product, 'description'].map((title) => style.dim(title));
    print(
      `\n${style.bold('Devices')}\n${table([head, ...rows], ['left', 'left', 'right', 'right', 'right', 'left'])}`,
    );
    for (const { name, kind } of devices) {
      if (kind !== 'gpu' && kind !== 'igpu') continue;
      const { notices } = probeDevice(name);
      const lines =
        notices.length > 0 ? notices : [`the device ${name} has every operation of training and generation`];
      print(lines.map((line) => `${line}\n`).join(''));
    }
    const gpu = gpuInstallCommand();
    if (devices.every(({ kind }) => kind === 'cpu') && gpu !== undefined)
      print(`\n${style.dim('To compute on a GPU:')} ${gpu}\n`);
    using cpu = Device.open('cpu', facts.cores);
    print(`\n${style.dim('In use:')} ${cpu.title}\n`);
  },
});
