/** An estimate for people: a table of the stages, what was assumed, and what does not fit. */
import type { Estimate } from '../estimate/index.ts';
import type { Measured } from '../estimate/measure.ts';
import { formatBytes, formatDuration } from '../report/numbers.ts';
import { headedTable, table } from '../report/table.ts';
import type { Style } from './style.ts';

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
  const here = table([
    [style.dim('memory here'), `${formatBytes(machine.memory)}, ${formatBytes(machine.freeMemory)} free`],
    ...(machine.deviceMemory === undefined
      ? []
      : [[style.dim('on the device'), formatBytes(machine.deviceMemory)]]),
    [style.dim('disk here'), `${formatBytes(machine.freeDisk)} free`],
  ]);
  const lines = notes.map((note) => `note: ${note}\n`).join('');
  return `${headedTable(head, [...rows, all], style, 2)}\n${here}${lines}`;
}
