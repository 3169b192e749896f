/** An estimate for people: a table of the stages, what was assumed, and what does not fit. */
import type { Estimate } from '../estimate/index.ts';
import type { Measured } from '../estimate/measure.ts';
import { formatDuration } from '../report/numbers.ts';
import type { Style } from './style.ts';
import { table } from '../report/table.ts';

/** A number of bytes with the unit that suits it. */
function formatBytes(bytes: number): string {
  const megabytes = bytes / 2 ** 20;
  return megabytes < 1000
    ? `${megabytes.toFixed(megabytes < 10 ? 1 : 0)} MB`
    : `${(bytes / 2 ** 30).toFixed(1)} GB`;
}

/** The table of an estimate, with its notes below. */
export function estimateText(
  { stages, notes, machine }: Estimate,
  style: Style,
  measured?: ReadonlyMap<string, Measured>,
): string {
  const timeOf = (stage: string): string[] => {
    const time = measured?.get(stage);
    if (time === undefined) return [];
    return 'after' in time
      ? ['', style.dim(`once ${time.after} has run`)]
      : [String(time.steps), formatDuration(time.seconds)];
  };
  const isDevice = machine.deviceMemory !== undefined;
  const head = [
    'stage',
    'kind',
    'memory',
    ...(isDevice ? ['on the device'] : []),
    'disk',
    'checkpoints',
    ...(measured === undefined ? [] : ['steps', 'time']),
  ];
  const rows = stages.map((stage) => [
    stage.stage,
    style.dim(stage.kind),
    style.bold(formatBytes(stage.memory)),
    ...(isDevice ? [formatBytes(stage.deviceMemory)] : []),
    formatBytes(stage.disk),
    formatBytes(stage.checkpoints),
    ...timeOf(stage.stage),
  ]);
  const disk = stages.reduce((total, stage) => total + stage.disk, 0);
  const most = Math.max(0, ...stages.map(({ checkpoints }) => checkpoints));
  const all = [
    'all',
    '',
    style.bold(formatBytes(Math.max(0, ...stages.map(({ memory }) => memory)))),
    ...(isDevice ? [formatBytes(Math.max(0, ...stages.map(({ deviceMemory }) => deviceMemory)))] : []),
    formatBytes(disk),
    formatBytes(most),
  ];
  const right = head.map((_, i) => (i < 2 ? ('left' as const) : ('right' as const)));
  const here = table([
    [style.dim('memory here'), `${formatBytes(machine.memory)}, ${formatBytes(machine.freeMemory)} free`],
    ...(machine.deviceMemory === undefined
      ? []
      : [[style.dim('on the device'), formatBytes(machine.deviceMemory)]]),
    [style.dim('disk here'), `${formatBytes(machine.freeDisk)} free`],
  ]);
  const lines = notes.map((note) => `note: ${note}\n`).join('');
  return `${table([head.map((text) => style.dim(text)), ...rows, all], right)}\n${here}${lines}`;
}
