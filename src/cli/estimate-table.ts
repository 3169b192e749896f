/** An estimate for people: a table of the stages, what was assumed, and what does not fit. */
import type { Estimate } from '../estimate/index.ts';
import type { Measured } from '../estimate/measure.ts';
import { formatBytes, formatDuration, sum } from '../report/numbers.ts';
import { headedTable, table } from '../report/table.ts';
import type { Style } from './terminal.ts';

type Need = Pick<Estimate['stages'][number], 'memory' | 'deviceMemory' | 'disk' | 'checkpoints'>;

function timeOf(time: Measured | undefined, style: Style): string[] {
  if (time === undefined) return [];
  return 'after' in time
    ? ['', style.dim(`once ${time.after} has run`)]
    : [String(time.steps), formatDuration(time.seconds)];
}

/** The table of an estimate, with its notes below. */
export function estimateText(
  { stages, notes, machine }: Estimate,
  style: Style,
  measured?: ReadonlyMap<string, Measured>,
): string {
  const { deviceMemory } = machine;
  const onDevice = (text: string): string[] => (deviceMemory === undefined ? [] : [text]);
  const time = measured === undefined ? [] : ['steps', 'time'];
  const head = ['stage', 'kind', 'memory', ...onDevice('on the device'), 'disk', 'checkpoints', ...time];
  const row = (name: string, kind: string, need: Need): string[] => [
    name,
    style.dim(kind),
    style.bold(formatBytes(need.memory)),
    ...onDevice(formatBytes(need.deviceMemory)),
    formatBytes(need.disk),
    formatBytes(need.checkpoints),
    ...timeOf(measured?.get(name), style),
  ];
  const most = (need: keyof Need): number => Math.max(0, ...stages.map((stage) => stage[need]));
  const all = row('all', '', {
    memory: most('memory'),
    deviceMemory: most('deviceMemory'),
    disk: sum(stages.map(({ disk }) => disk)),
    checkpoints: most('checkpoints'),
  });
  const rows = stages.map((stage) => row(stage.stage, stage.kind, stage));
  const here = [
    ['memory here', `${formatBytes(machine.memory)}, ${formatBytes(machine.freeMemory)} free`],
    ...(deviceMemory === undefined ? [] : [['on the device', formatBytes(deviceMemory)]]),
    ['disk here', `${formatBytes(machine.freeDisk)} free`],
  ].map(([name = '', value = '']) => [style.dim(name), value]);
  const lines = notes.map((note) => `note: ${note}\n`).join('');
  return `${headedTable(head, [...rows, all], style, 2)}\n${table(here)}${lines}`;
}
