/** `tinystar handover`: a recipe's stage as a job folder for an engine that trains elsewhere. */
import { resolve } from 'node:path';
import { engines } from '../../../handover/src/engines/index.ts';
import { handOver } from '../../../handover/src/handover.ts';
import { ENGINE_NAMES } from '../../../handover/src/job.ts';
import { loadRecipe } from '../../../../src/recipe/load.ts';
import { command } from '../command.ts';
import { choice, optional, overrides, recipeFlags, text, toggle, whole } from '../flags.ts';

export const handoverCommand = command({
  brief: 'Hand a stage over to an engine that trains elsewhere',
  about:
    "Writes a job folder: the stage's data as the engine reads them, the checkpoint to start from, the engine's configuration\n" +
    'and OPTIONS.md, which says what became of every option of the stage. The stages that it needs must have been run.',
  examples: [
    'tinystar handover recipes/star-0.6b.yaml --engine trl --stage ckd --processes 8',
    'tinystar handover recipes/star-0.6b.yaml --engine openrlhf --reward-url http://rewards:5000/get_reward',
  ],
  flags: {
    engine: choice(ENGINE_NAMES, 'Engine that trains'),
    stage: optional(text('Stage of the recipe; the only one that the engine trains', 'NAME')),
    out: optional(text("Job folder; without it, handover/<stage>-<engine> in the run's folder", 'DIR')),
    processes: whole(1, 'Processes that train side by side, one a GPU', 1),
    reward_url: text(
      'Address of tinystar serve-rewards as the engine reaches it',
      'URL',
      'http://127.0.0.1:5000/get_reward',
    ),
    model_path: optional(
      text('Where the checkpoint lies for the engine, in place of a copy in the job folder', 'PATH'),
    ),
    allow_missing: toggle('Hand over even what the engine lacks an option for that changes what is learned'),
    set: recipeFlags.set,
    runs: recipeFlags.runs,
  },
  args: [{ brief: 'Recipe', placeholder: 'RECIPE' }],
  async run(context, given, path) {
    const { stdout, stderr } = context.process;
    const recipe = loadRecipe(path, { set: overrides(given) });
    const folder = resolve(given.runs, recipe.name);
    const engine = engines[given.engine];
    const stopped = new AbortController();
    context.services.onInterrupt(() => stopped.abort());
    const { out, job, stage, rows, warnings } = await handOver({
      recipePath: resolve(path),
      recipe,
      set: overrides(given),
      folder,
      ...(given.stage === undefined ? {} : { stage: given.stage }),
      engine,
      ...(given.out === undefined ? {} : { out: resolve(given.out) }),
      processes: given.processes,
      rewardUrl: given.reward_url,
      ...(given.model_path === undefined ? {} : { modelPath: given.model_path }),
      allowMissing: given.allow_missing,
      signal: stopped.signal,
    });
    for (const warning of warnings) stderr.write(`${warning}\n`);
    const what = job.needsReward || job.engine === 'verl' ? 'prompts' : 'sequences';
    stdout.write(
      `${out}: stage ${stage.name} for ${engine.title}, ${rows} ${what}; README.md has the command\n`,
    );
  },
});
