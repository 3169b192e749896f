/** Front door of the package: everything that `import { … } from 'tinystar'` gives. docs/architecture.md shows around. */
import { join } from 'node:path';
import { PACKAGE_ROOT } from './base/package-root.ts';
import * as losses from './losses/all.ts';
import * as ops from './tensor/ops/index.ts';

export { UserError } from './base/errors.ts';

// Models that answer, and prompts.
export {
  type Answer,
  type GenerateOptions,
  loadModel,
  type LoadOptions,
  Model,
} from '../packages/api/src/model.ts';
export type { Called, CallOptions, CallPart, Request } from '../packages/api/src/calling.ts';
export type {
  CallFault,
  CallOf,
  FunctionDefinition,
  Functions,
  Issue,
} from '../packages/api/src/functions.ts';
export { readTurn, type Turn, type TurnOptions } from '../packages/api/src/turn.ts';
export { openSampler, type OpenOptions } from './sampling/open.ts';
export type { Drawn, Prompt, Sampler, SampleOptions } from './sampling/sampler.ts';
export type { Dialogue, Message, Tool, ToolCall } from './chat/messages.ts';
export type { ChatInput } from './chat/template.ts';

/** Folders of the base checkpoints that come with the package. */
export const bases = {
  student: join(PACKAGE_ROOT, 'bases', 'student'),
  teacher: join(PACKAGE_ROOT, 'bases', 'teacher'),
} as const;

// Training.
export { openTrainer, type TrainedStep, Trainer, type TrainerOptions } from '../packages/api/src/trainer.ts';
export type { TrainCompletion, TrainExample } from './train/examples.ts';
export {
  loadRecipe,
  type RecipeInput,
  type RecipeOptions,
  reportOf,
  runRecipe,
  type RunOptions,
  type StageInput,
} from '../packages/api/src/recipes.ts';
export type { Recipe } from './recipe/schema.ts';
export type { DrawnSample, Metrics, RunEvent } from './train/events.ts';

// Losses, and the operations that they are made of.
export { crossEntropy, distillation, joint, luffy, policyGradient, preference } from './losses/all.ts';
export { losses };
export { negativeLogLikelihood } from './losses/cross-entropy.ts';
export {
  defineLoss,
  entropyRows,
  type Loss,
  type MetricDeclaration,
  type Objective,
  type ObjectiveResult,
  rowInput,
  type RowInputs,
  type RowInputSpec,
  type RowObjective,
  type SequenceObjective,
  weighted,
} from './losses/objective.ts';
export { ops };
export type { VocabularyRows } from './tensor/ops/index.ts';
export type { Graph } from './tensor/graph.ts';
export type { Tensor } from './tensor/tensor.ts';

// Rewards.
export { loadConversationReward, loadReward, rewards } from './rewards/index.ts';
export {
  type AnswerToScore,
  type ConversationToScore,
  defineReward,
  type Earned,
  type RewardDefinition,
} from './rewards/define.ts';
export type {
  AnyReward,
  ConversationResponse,
  ConversationReward,
  ConversationScore,
  ConversationTask,
  Reward,
  RewardTask,
  Score,
  Scorer,
} from './rewards/reward.ts';

// Environments.
export {
  defineEnvironment,
  type Environment,
  type EnvironmentHost,
  type EnvironmentTool,
  type Problem,
  type Session,
  type ToolResult,
} from '../packages/environments/src/environment.ts';
export { type EnvironmentSource, openEnvironment } from './run/environments.ts';

// Data.
export {
  convertFile,
  type ConvertedRow,
  type ConvertOptions,
  dialogueRenderer,
  parseRecord,
  readDialogues,
  type RenderedDialogue,
} from '../packages/api/src/data.ts';

// Projects of `fit`: functions of any source, examples, settings.
export { readFunctions } from '../packages/fit/src/tools/read.ts';
export type { Answered, FromSource, SourceOptions } from '../packages/fit/src/tools/source.ts';
export { readExamples } from '../packages/fit/src/examples.ts';
export { openProject } from '../packages/fit/src/project.ts';
export type { Example, Note, Project } from '../packages/fit/src/types.ts';
