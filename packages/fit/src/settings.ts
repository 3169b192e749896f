/** Settings of a project, fit.yaml: each has a default, so that the file may be empty, or not be there. */
import { z } from 'zod';
import { shortened } from '../../../src/base/errors.ts';
import { PROMPT_TOOLS } from '../../../src/chat/template.ts';
import { placeOf, readTree, valuesOf, type Path } from '../../../src/recipe/tree.ts';
import { rulesText, type Rule } from '../../../src/recipe/rules.ts';
import { suggestion } from '../../../src/recipe/suggest.ts';

const share = (byDefault: number, most: number): z.ZodDefault<z.ZodNumber> =>
  z.number().min(0).max(most).default(byDefault);

export const settingsSchema = z.strictObject({
  seed: z.int().min(0).default(7).describe('seed of everything: the same input gives the same files'),
  base: z
    .string()
    .min(1)
    .default('student')
    .describe(
      'what becomes the student: student or teacher, the bases that come along, or the folder or GGUF file of a checkpoint',
    ),
  teacher_base: z
    .string()
    .min(1)
    .exactOptional()
    .describe(
      'what becomes the teacher that the student is distilled from; without it, the teacher that comes along for the student that does, and for a base of your own that base itself where layers is set; none leaves the teacher out',
    ),
  layers: z
    .int()
    .positive()
    .exactOptional()
    .describe('layers of a base of your own that the student keeps; without it, all of them'),
  prompt_tools: z
    .enum(PROMPT_TOOLS)
    .exactOptional()
    .describe(
      "what the student's prompts show of the functions: all, their whole schemas; names; or none: the student then learns the functions themselves, many times faster, and knows no others; without it, all, and of a base of your own none where reading all would leave too little time for the cases",
    ),
  minutes: z
    .number()
    .positive()
    .default(20)
    .describe('time that all of it may take; stages are sized by how fast this machine is'),
  search: z.boolean().default(true).describe('choose the learning rate by a small search on the dev cases'),
  teacher_rl: z.boolean().default(false).describe('refine the teacher by Sim-RL before it answers'),
  cases: z
    .int()
    .min(50)
    .default(24_000)
    .describe('training cases that are made; a fit reads as many of them as there is time for'),
  irrelevant_share: share(0.125, 0.9).describe('share of requests for which nothing is to be called'),
  dev_share: share(0.1, 0.4).describe('share of wordings that are kept to choose by'),
  test_share: share(0.15, 0.4).describe('share of wordings that are kept for the verdict alone'),
  improve: z
    .int()
    .min(0)
    .default(0)
    .describe('rounds of making more cases of what went wrong on the dev cases'),
  abstain: z
    .number()
    .min(0)
    .max(1)
    .default(0)
    .describe('probability of being right below which the model answers in words; 0 never does'),
  test: z
    .string()
    .min(1)
    .exactOptional()
    .describe('file of examples of your own, kept from training, that the verdict is given on'),
  dtype: z
    .enum(['f32', 'f16', 'q8_0', 'q4_k_m'])
    .default('f16')
    .describe('numbers of the matrices in student.gguf'),
  device: z.string().min(1).default('cpu').describe('cpu, gpu, or the name of a device'),
  threads: z.int().positive().exactOptional().describe('processor threads; without it, the physical cores'),
  stages: z
    .record(z.string(), z.record(z.string(), z.json()))
    .default({})
    .describe("options of recipes by the stage's name, such as ckd: {lr: 1e-3}"),
  refusal: z.string().min(1).default("I can't do that.").describe('answer in words where no function fits'),
  paraphrase: z
    .strictObject({
      endpoint: z.string().min(1).describe('address of the server'),
      model: z.string().min(1).exactOptional().describe('name of its model'),
      max_tokens: z.int().min(1).default(500_000).describe('tokens that it may write in all'),
    })
    .exactOptional()
    .describe('a server that words requests anew; without it, none is asked'),
});

export type Settings = z.output<typeof settingsSchema>;

const RULES = z.toJSONSchema(settingsSchema, { io: 'input' }) as Rule;

const ruleAt = (path: Path): Rule | undefined =>
  path.reduce<Rule | undefined>((rule, key) => rule?.properties?.[String(key)], RULES);

const keysOf = (path: Path): string[] => Object.keys(ruleAt(path)?.properties ?? {});

const valueAt = (root: unknown, path: Path): unknown =>
  path.reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[String(key)], root);

/** Reads settings from the text of a file that is called `name`; what is wrong is added to `faults`. */
export function parseSettings(text: string, name: string, faults: string[]): Settings {
  const tree = readTree(text, name);
  const raw = valuesOf(tree) ?? {};
  const read = settingsSchema.safeParse(raw);
  if (read.success) return read.data;
  for (const issue of read.error.issues) {
    const path = issue.path.map((key) => String(key));
    if (issue.code === 'unrecognized_keys') {
      for (const key of issue.keys)
        faults.push(
          `${placeOf(tree, [...path, key], 'key')}: ${[...path, key].join('.')} is no setting${suggestion(key, keysOf(path), 'there are')}`,
        );
      continue;
    }
    const rule = ruleAt(path);
    const where = path.length === 0 ? 'the file' : path.join('.');
    const value = shortened(JSON.stringify(valueAt(raw, path) ?? null), 60);
    faults.push(
      `${placeOf(tree, path, 'value')}: ${where} is ${value} and must be ${rule === undefined ? 'something else' : rulesText([rule])}.`,
    );
  }
  return settingsSchema.parse({});
}

/** Values that stand in a comment for settings without a default. */
const SAMPLES: Readonly<Record<string, string>> = {
  teacher_base: 'none',
  layers: '12',
  prompt_tools: 'none',
  test: 'test.jsonl',
  threads: '2',
};

/** A file of settings with every default, each behind its meaning and in a comment. */
export function settingsText(): string {
  const lines = Object.entries(settingsSchema.shape).map(([key, schema]) => {
    const value = schema.safeParse(undefined).data as unknown;
    const meaning = `# ${schema.description ?? ''}`;
    if (key === 'paraphrase') return `${meaning}\n# paraphrase:\n#   endpoint: http://127.0.0.1:8080/v1\n`;
    return `${meaning}\n# ${key}: ${value === undefined ? SAMPLES[key] : JSON.stringify(value)}\n`;
  });
  return `# Settings of tinystar fit. Those in comments are the defaults; take the "# " away to change one.\n\n${lines.join('\n')}`;
}
