/** The kinds of files that a user can hand over: what is damaged, how, and the commands that then read it. */
import { type Mutator, mutateBytes, oneOf } from './bytes.ts';
import { mutateGguf, mutateSafetensors, mutateTopK } from './binary.ts';
import { json, jinja, lines, tokenizerConfig, tokenizerJson, yaml } from './text.ts';
import { FORMATS, STOPPED } from './seeds.ts';

export interface Kind {
  /** Files and folders of the seeds that lie in `in/` when the command runs. */
  readonly files: readonly string[];
  /** One of these that are there is damaged; the place of a file and how. */
  readonly targets: readonly (readonly [path: string, mutate: Mutator])[];
  /** One of these is run, in the folder that `in/` and `out/` are in; words are separated by blanks. */
  readonly commands: readonly string[];
  /** Reader of the first one's output, which must not refuse it. */
  readonly next?: readonly string[];
  /** Part of the paths of what the command may change, as a run's own folder. */
  readonly owned?: string;
}

const gzip = mutateBytes;
const safetensors = oneOf([3, mutateSafetensors], [1, mutateBytes]);
const gguf = oneOf([3, mutateGguf], [1, mutateBytes]);
const topk = oneOf([2, mutateTopK], [1, mutateBytes]);

/** Long words of one letter, which patterns that go back over them take for ever with. */
const REQUEST = `${'a'.repeat(40)}!`;
const generate = (checkpoint: string): string =>
  `generate in/${checkpoint} ${REQUEST} --tools in/tools.json --generate-max-len 3`;
const loads = (checkpoint: string): string[] => [
  generate(checkpoint),
  `export in/${checkpoint} --folder out/folder`,
  `export in/${checkpoint} --gguf out/x.gguf --check 1 --data in/records.jsonl`,
  `eval held-out in/${checkpoint} --limit 1 --generate-max-len 2 --runs out`,
];

/** Formats of questions, whose records have no answers that others could read. */
const QUESTIONS: readonly string[] = ['bfcl', 'acebench'];

const convert = (file: string, mutate: Mutator, asks = false): Kind => ({
  files: [file],
  targets: [[file, mutate]],
  commands: ['', ' --turns every', ' --json-schema', ' --no-check-gold'].map(
    (option) => `data convert in/${file} --output out/r.jsonl --rejects out/rejects.jsonl${option}`,
  ),
  next: asks
    ? []
    : [
        'data label out/r.jsonl',
        'data clean out/r.jsonl --output out/c.jsonl',
        'data inspect --file out/r.jsonl --count 100',
      ],
});

/** One file of the student's folder. */
const part = (name: string, mutate: Mutator, commands: readonly string[] = loads('student')): Kind => ({
  files: ['student', 'tools.json', 'records.jsonl'],
  targets: [[`student/${name}`, mutate]],
  commands,
});

const RENDER = 'data render in/records.jsonl --tokenizer in/student --output out/r.jsonl';
const responses = (benchmark: string): Kind => ({
  files: [benchmark, `${benchmark}-responses.jsonl`],
  targets: [[`${benchmark}-responses.jsonl`, lines]],
  commands: [
    `eval ${benchmark} --data in/${benchmark} --responses in/${benchmark}-responses.jsonl --out out/e`,
  ],
});

/** Remains of a run of each kind that was stopped, by how they are damaged. */
const stateOf = (stage: string): (readonly [string, Mutator])[] => {
  const at = (path: string): string => `runs/${stage}/${path}`;
  const checkpoint = `stages/${stage}/checkpoints/step-000001`;
  const stored: Readonly<Record<string, readonly (readonly [string, Mutator])[]>> = {
    rollouts: [
      [at('stages/rollouts/rollouts/answers.jsonl'), lines],
      [at('stages/rollouts/rollouts/distributions.topk'), topk],
    ],
    chains: [[at('stages/chains/trajectories/trajectories-000000.json'), json]],
    evaluation: [[at('stages/evaluation/verdicts/step-000000.json'), json]],
  };
  const trained: readonly (readonly [string, Mutator])[] = [
    [at(`${checkpoint}/stage.json`), json],
    [at(`${checkpoint}/trainer.json`), json],
    [at(`${checkpoint}/state.safetensors`), safetensors],
    ...(stage === 'dpo'
      ? [[at('stages/dpo/checkpoints/reference/group-000000.safetensors'), safetensors] as const]
      : []),
    ...(stage === 'ckd' || stage === 'dpo'
      ? ([
          [at('stages/rollouts/rollouts/answers.jsonl'), lines],
          [at('stages/rollouts/rollouts/distributions.topk'), topk],
          [at('stages/rollouts/done.json'), json],
        ] as const)
      : []),
  ];
  return [
    [at('recipe.yaml'), yaml],
    [at('log.jsonl'), lines],
    [at('samples.jsonl'), lines],
    [at('machine.json'), json],
    [at('run.lock'), json],
    ...(stored[stage] ?? trained),
  ];
};

const resumed = (stage: string): Kind => ({
  files: ['student', `${stage}.yaml`, `runs/${stage}`],
  targets: stateOf(stage),
  commands: [`run in/${stage}.yaml --runs in/runs`],
  owned: `in/runs/${stage}/`,
});

const RUN = 'runs/done';
const recipe = (file: string): Kind => ({
  files: [file],
  targets: [[file, yaml]],
  commands: [`run in/${file} --dry-run --json --runs out`, `estimate in/${file} --no-time --runs out`],
});

export const KINDS: Readonly<Record<string, Kind>> = {
  ...Object.fromEntries(
    FORMATS.map((format) => [format, convert(`${format}.jsonl`, lines, QUESTIONS.includes(format))]),
  ),
  'xlam-list': convert('xlam.json', json),
  packed: convert('openai.jsonl.gz', gzip),
  parquet: convert('xlam.parquet', mutateBytes),
  records: {
    files: ['records.jsonl', 'student', 'bfcl'],
    targets: [['records.jsonl', lines]],
    commands: [
      'data label in/records.jsonl --output out/r.jsonl',
      'data clean in/records.jsonl --output out/r.jsonl --near 0.8 --rejects out/rejects.jsonl',
      'data clean in/records.jsonl --output out/r.jsonl --against in/bfcl/BFCL_v3_simple.json',
      'data mix in/records.jsonl --output out/r.jsonl --size 4',
      'data mix in/records.jsonl --output out/r.jsonl --size 4 --tokenizer in/student',
      'data inspect --file in/records.jsonl --count 100',
      RENDER,
      `${RENDER} --mode star`,
      'eval held-out in/student --data in/records.jsonl --limit 2 --generate-max-len 2 --runs out',
      'rollouts in/records.jsonl --model in/student --prompts 2 --n-samples-per-prompt 2 --kd-topk 3 --generate-max-len 3 --runs out',
    ],
  },
  against: {
    files: ['records.jsonl', 'bfcl'],
    targets: [['bfcl/BFCL_v3_simple.json', lines]],
    commands: ['data clean in/records.jsonl --output out/r.jsonl --against in/bfcl/BFCL_v3_simple.json'],
  },
  generations: {
    files: ['generations.jsonl'],
    targets: [['generations.jsonl', lines]],
    commands: ['simrl', 'binary', 'toolrl', 'simrl_length', 'simrl_strict', 'mentor'].map(
      (reward) => `score --reward ${reward} --input in/generations.jsonl --output out/scores.jsonl`,
    ),
  },
  tools: {
    files: ['student', 'tools.json'],
    targets: [['tools.json', json]],
    commands: [generate('student')],
  },
  'smoke-recipe': recipe('smoke.yaml'),
  'coins-recipe': recipe('coins.yaml'),
  config: part('config.json', json),
  'generation-config': part('generation_config.json', json),
  tokenizer: part('tokenizer.json', tokenizerJson, [...loads('student'), RENDER]),
  'tokenizer-config': part('tokenizer_config.json', tokenizerConfig, [...loads('student'), RENDER]),
  'chat-template': part('chat_template.jinja', jinja, [...loads('student'), RENDER]),
  template: {
    files: ['student', 'records.jsonl', 'student/chat_template.jinja'],
    targets: [['student/chat_template.jinja', jinja]],
    commands: [`${RENDER} --template in/student/chat_template.jinja`],
  },
  safetensors: part('model.safetensors', safetensors),
  index: {
    files: ['sharded', 'tools.json', 'records.jsonl'],
    targets: [
      ['sharded/model.safetensors.index.json', json],
      ['sharded/model-00001-of-00002.safetensors', safetensors],
    ],
    commands: loads('sharded'),
  },
  gguf: {
    files: ['student.gguf', 'tools.json', 'records.jsonl', 'bfcl'],
    targets: [['student.gguf', gguf]],
    commands: [
      ...loads('student.gguf'),
      'eval bfcl --data in/bfcl --model in/student.gguf --category simple --limit 1 --generate-max-len 2 --out out/e',
    ],
  },
  'bfcl-responses': responses('bfcl'),
  'acebench-responses': responses('acebench'),
  'bfcl-data': {
    ...responses('bfcl'),
    targets: [
      ['bfcl/BFCL_v3_simple.json', lines],
      ['bfcl/possible_answer/BFCL_v3_simple.json', lines],
      ['bfcl/BFCL_v3_multi_turn_base.json', lines],
      ['bfcl/possible_answer/BFCL_v3_multi_turn_base.json', lines],
      ['bfcl/multi_turn_func_doc/gorilla_file_system.json', lines],
    ],
  },
  'acebench-data': {
    ...responses('acebench'),
    targets: [
      ['acebench/data_en/data_normal_preference.json', lines],
      ['acebench/data_en/data_normal_atom_bool.json', lines],
      ['acebench/data_en/possible_answer/data_normal_single_turn_parallel_function.json', lines],
      ['acebench/data_en/possible_answer/data_special_error_param.json', lines],
      ['acebench/data_en/data_normal_multi_turn_user_adjust.json', lines],
    ],
  },
  topk: {
    files: ['student', 'runs/ckd/stages/rollouts/rollouts'],
    targets: [['runs/ckd/stages/rollouts/rollouts/distributions.topk', topk]],
    commands: ['', ' --student in/student --show 2', ' --json'].map(
      (option) => `data topk in/runs/ckd/stages/rollouts/rollouts${option}`,
    ),
  },
  report: {
    files: [RUN, 'runs/ckd'],
    targets: [
      [`${RUN}/log.jsonl`, lines],
      ['runs/ckd/samples.jsonl', lines],
      [`${RUN}/recipe.yaml`, yaml],
      [`${RUN}/machine.json`, json],
      [`${RUN}/stages/evaluation/eval.json`, json],
      [`${RUN}/stages/evaluation/done.json`, json],
    ],
    commands: [
      `report in/${RUN}`,
      'report in/runs/ckd',
      `compare in/${RUN} in/runs/ckd --by-category`,
      `compare in/${RUN} in/${RUN} --json`,
    ],
    owned: 'report.html',
  },
  ...Object.fromEntries(STOPPED.map((stage) => [`stopped-${stage}`, resumed(stage)])),
};

export const KIND_NAMES: readonly string[] = Object.keys(KINDS);
