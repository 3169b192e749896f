/** README.md of a job folder: what it is, the command, and what is done otherwise than here. */
import type { DataFacts } from './data.ts';
import type { Engine, Handing } from './engine.ts';
import type { HandedKind, HandedStage } from './options.ts';

interface Told {
  readonly recipePath: string;
  readonly rewardUrl: string;
  readonly processes: number;
}

/** Text of README.md. */
export function readmeOf(
  engine: Engine,
  handing: Handing<HandedKind>,
  stage: HandedStage,
  { recipePath, rewardUrl, processes }: Told,
  data: DataFacts,
): string {
  const rewards = [
    'Answers are scored by `tinystar serve-rewards`, which the engine asks over HTTP. On a machine that the cluster reaches:',
    '',
    '```sh',
    `tinystar serve-rewards ${recipePath} --stage ${stage.name} --host 0.0.0.0`,
    '```',
    '',
    `and here \`export REWARD_URL=http://THAT-MACHINE:5000/get_reward\` (${rewardUrl} if it is not set; several are separated by commas).`,
    '',
  ];
  return [
    `# Stage ${stage.name} for ${engine.title}`,
    '',
    `Stage ${stage.name} (${stage.kind}) of ${recipePath}, ${data.rows} ${handing.needsReward ? 'prompts' : 'sequences'}, ${processes} ${processes === 1 ? 'process' : 'processes'}. \`OPTIONS.md\` says what became of every option of the stage.`,
    '',
    '```sh',
    'python3 -m venv .venv && . .venv/bin/activate',
    'pip install -r requirements.txt',
    'bash run.sh',
    '```',
    '',
    ...(handing.needsReward ? rewards : []),
    'What is trained is left in `output`, a Hugging Face folder. `tinystar submit` runs this folder on a Ray cluster and brings that back into the run.',
    '',
    ...(handing.notes ?? []).map((note) => `- ${note}`),
    '',
  ].join('\n');
}
