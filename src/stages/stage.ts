/**
 * Interface of kinds of stages: one file in this folder says which options it has, what they refer to, how they must fit
 * each other, how it runs and what its progress bar shows; one line in the index makes it known to recipes. Options
 * have the names and defaults of the reference implementations (OpenRLHF and STAR's patch of it) at Qwen3's scale.
 */
import { z } from 'zod';
import type { Contents } from '../base/identity.ts';
import type { Dialogues } from '../data/dialogues.ts';
import type { TaskDialogue } from '../data/reading.ts';
import type { EnvironmentHost, Problem, Split } from '../../packages/environments/src/environment.ts';
import type { RolloutMode } from '../../packages/environments/src/rollout-mode.ts';
import type { Device } from '../ggml/device.ts';
import type { LoadedModel, LoadModelOptions } from '../model/checkpoint/checkpoint.ts';
import { ANSWER_REWARDS, CONVERSATION_REWARDS, MODULE_PATH } from '../rewards/index.ts';
import type { RunEvent, StageRun } from '../train/events.ts';
import type { MetricName } from '../train/metrics.ts';
import type { TrainExample } from '../train/examples.ts';
import type { Speaking } from '../train/prompts.ts';
import type { ExampleSource, PendingExample, SupervisedOptions } from '../train/supervised.ts';

/** Things that a name in a stage's options can refer to; `train` is the word for the recipe's training split. */
export type Referent = 'model' | 'rollouts' | 'trajectories' | 'environment' | 'train';

/** Options that name a thing of the recipe or an earlier stage, with what they accept. */
export const references = z.registry<{ readonly accepts: readonly Referent[] }>();

/** An option that names one of `accepts`; the recipe's reader checks that it exists, and that it comes earlier. */
export const refersTo = (...accepts: readonly Referent[]): z.ZodString =>
  z.string().min(1).register(references, { accepts });

/** Kind of thing that must lie at a path when a run begins; `any` is looked for when it is needed. */
export type PathKind = 'file' | 'module' | 'folder' | 'checkpoint' | 'any';

/** Options that are paths, relative to the recipe, with what must lie there. */
export const paths = z.registry<{ readonly wants: PathKind }>();

/** An option that is a path; the recipe's reader makes it absolute and checks that something lies there. */
export const pathTo = (wants: PathKind): z.ZodString => z.string().min(1).register(paths, { wants });

export const NAME_RULE = 'a name of letters, digits, dots, dashes and underscores';
/** A name that can be a folder: of a run, a stage, a model. */
export const nameSchema = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, NAME_RULE);

export const count = z.int().positive();
export const positive = z.number().positive();
export const someText = z.string().min(1);
export const fraction = z.number().min(0).max(1);
export const seedOption = z.int().min(0).max(0xffffffff);

export const commonOptions = {
  name: nameSchema,
  seed: seedOption
    .exactOptional()
    .describe("this stage's own seed; without it one is derived from the recipe's"),
};

export const lengthOptions = {
  prompt_max_len: count.default(5120).describe('tokens of a prompt; longer prompts are left out'),
  generate_max_len: count.default(512).describe('tokens of a completion'),
};

/** Options of stages in which models call functions of an environment. */
export const toolOptions = {
  environment: refersTo('environment').describe("the name of one of the recipe's environments"),
  max_turns: count.default(5).describe('turns of the assistant in a conversation'),
};

const rewardOption = (names: readonly string[]) =>
  z.union([z.enum(names), pathTo('module').regex(MODULE_PATH)]);

/** Options that name a reward: one that comes along, or a module of the user's. */
export const answerRewardOption = rewardOption(ANSWER_REWARDS).default('simrl');
export const conversationRewardOption = rewardOption(CONVERSATION_REWARDS).default('mentor');

/** In which numbers a stage computes. */
export const computeOptions = {
  compute_dtype: z
    .enum(['f32', 'f16', 'bf16'])
    .default('f32')
    .describe('of the matrices that are computed with; those that are trained stay f32'),
};

export interface OpenModel extends LoadedModel, Speaking, Disposable {}

/** Facts that lessons need of the model that learns: how it speaks, and how many ids it has. */
export type Learner = Pick<OpenModel, 'config' | 'tokenizer' | 'template'>;

export interface Lessons extends Pick<SupervisedOptions, 'warnings' | 'shown'> {
  readonly examples: readonly PendingExample[];
  /** Arrangement of a step's examples in the model; one tree each, if unset. */
  readonly arrange?: (
    examples: readonly TrainExample[],
    ...step: Parameters<ExampleSource>
  ) => ReturnType<ExampleSource>;
}

export interface OpenEnvironment extends Disposable {
  readonly host: EnvironmentHost;
  readonly rolloutMode: RolloutMode;
  /** Problems of a split, as many as the recipe says; throws a UserError when there are none. */
  problems(split: Split): Promise<readonly Problem[]>;
}

/** Context of a stage: the inputs that its options refer to, and where it keeps what it makes. */
export interface StageContext extends StageRun {
  readonly device: Device;
  /** Seed of generated data, and how many dialogues the assistant's training split has, if that is the recipe's data. */
  readonly generated: { readonly seed: number; readonly train: number | undefined };
  dialogues(split: 'train' | 'test'): Dialogues<TaskDialogue>;
  /** Loads the model that a reference means, or makes a new one. */
  openModel(reference: string, options: LoadModelOptions): OpenModel;
  /** The folder or file of a model; throws a UserError for a new one, which has none. */
  checkpoint(reference: string): string;
  /** Tokenizer and chat template of a model, without its weights. */
  speaking(reference: string): Speaking;
  /** The folder or GGUF file with a model's tokenizer, as it is to be saved with what comes of it. */
  tokenizerSource(reference: string): string;
  openEnvironment(name: string): Promise<OpenEnvironment>;
  /** Meaning of a reference, and, of an earlier stage, the folder in which that lies. */
  referent(name: string): { readonly is: Referent; readonly folder: string };
}

/** Paths of what a stage made, by what it is. */
export type Outputs = Readonly<Record<string, string>>;

/** Something wrong with a stage's options: the path inside of them, and the text after it: "is 0 and …; do …." */
export type StageProblem = readonly [path: string, text: string];

/** Options of other stages and of environments that a check may look at, by their names. */
export interface Neighbours {
  readonly stage: (name: string | undefined) => Readonly<Record<string, unknown>> | undefined;
  readonly environment: (name: string) => Readonly<Record<string, unknown>> | undefined;
  readonly isAssistant: boolean;
}

type Shape = z.core.$ZodLooseShape;
export type OptionsOf<S extends Shape> = z.output<z.ZodObject<S, z.core.$strict>>;

export interface StageKind<S extends Shape = Shape, Makes extends Produces = Produces> {
  readonly about: string;
  readonly options: S;
  /** Output that later stages can refer to. */
  readonly makes: Makes;
  /** Metrics that its progress bar shows: the first one that a step has. */
  readonly watch: readonly MetricName[];
  /** Heading of the samples that it drew or learned from, with {stage} for its name; else "Samples that {stage} drew". */
  readonly samples?: string;
  /** The split of the recipe's data that the stage reads, if it does. */
  readonly reads?: (options: OptionsOf<S>) => 'train' | 'test' | undefined;
  /** Options without those that may change while a stage goes on, such as the address of a server. */
  readonly lasting?: (options: OptionsOf<S>) => unknown;
  /** Tells whether the models that are referred to are read whole, or, where they are not, their tokenizers only. */
  readonly needsWeights?: (options: OptionsOf<S>) => boolean;
  /** Contents of what lies at one of its options' paths, where that is not all files of it. */
  readonly contents?: (path: string) => Contents;
  /** Tells whether verdicts are stored, which another version of the program would not have given. */
  readonly storesVerdicts?: true;
  /** Finds what the schema cannot say: numbers that do not fit each other or the stages referred to. */
  readonly check?: (options: OptionsOf<S>, neighbours: Neighbours) => Iterable<StageProblem>;
  /** Does the stage's work, or goes on with it; returns what it made. Throws UserErrors, and the signal's reason when it fires. */
  run(context: StageContext, options: OptionsOf<S>): AsyncGenerator<RunEvent, Outputs>;
}

export type Produces = 'model' | 'rollouts' | 'trajectories' | 'evaluation';

export function defineStage<const S extends Shape, const Makes extends Produces>(
  kind: StageKind<S, Makes>,
): StageKind<S, Makes> {
  return kind;
}
