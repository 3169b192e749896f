/** `tinystar serve-rewards`: a recipe's reward over HTTP, for engines that train elsewhere. */
import cluster from 'node:cluster';
import { rewardsApp } from '../../../handover/src/rewards.ts';
import { listen } from '../../../serve/src/server.ts';
import { UserError } from '../../../../src/base/errors.ts';
import { FORMAT_NAMES, formats } from '../../../../src/chat/formats/index.ts';
import { loadRecipe } from '../../../../src/recipe/load.ts';
import type { Recipe } from '../../../../src/recipe/schema.ts';
import { loadReward } from '../../../../src/rewards/index.ts';
import { command } from '../command.ts';
import { choice, optional, text, whole } from '../flags.ts';

/** Name of the reward of a recipe's stage; of the only one that learns from rewards where none is named. */
function rewardIn({ stages, name }: Recipe, wanted: string | undefined): string {
  const found = stages.flatMap((stage) =>
    'reward' in stage && typeof stage.reward === 'string' ? [{ name: stage.name, reward: stage.reward }] : [],
  );
  const names = found.map((stage) => stage.name).join(', ');
  const only = wanted === undefined && found.length === 1 ? found[0] : undefined;
  const stage = only ?? found.find((one) => one.name === wanted);
  if (stage !== undefined) return stage.reward;
  throw new UserError(
    'STAGE',
    found.length === 0
      ? `The recipe ${name} has no stage with a reward; name a reward by --reward.`
      : wanted === undefined
        ? `The recipe ${name} has several stages with a reward (${names}); name one by --stage.`
        : `The recipe ${name} has no stage ${wanted} with a reward; it has ${names}.`,
  );
}

export const serveRewardsCommand = command({
  brief: 'Serve a reward to engines that train elsewhere',
  about:
    'Answers POST /get_reward with the rewards of a batch of answers, as OpenRLHF asks remote reward models and as the job\n' +
    'folders of a handover ask. Nothing is kept between requests, so that any number of servers give the same scores.',
  examples: [
    'tinystar serve-rewards recipes/star-0.6b.yaml',
    'tinystar serve-rewards recipes/star-0.6b.yaml --reward ./my-reward.js --host 0.0.0.0 --workers 8',
  ],
  flags: {
    stage: optional(text('Stage of the recipe whose reward it is; the only one that has one', 'NAME')),
    reward: optional(text("A reward by its name, or the path of a module, in place of the recipe's", 'NAME')),
    toolFormat: choice(FORMAT_NAMES, 'How prompts, labels and answers write calls and tools', 'hermes'),
    host: text('Address to listen at; 0.0.0.0 lets other machines ask', 'ADDRESS', '127.0.0.1'),
    port: whole(0, 'Port; 0 takes any that is free', 5000),
    workers: whole(1, 'Processes that answer', 1),
    queue: whole(1, 'Requests that a process reads or scores at a time; more are refused with 503', 512),
  },
  args: [{ brief: 'Recipe', placeholder: 'RECIPE' }],
  async run(context, given, recipe) {
    const { stderr } = context.process;
    const name = given.reward ?? rewardIn(loadRecipe(recipe), given.stage);
    const reward = await loadReward(name);
    const stopped = new Promise<void>((resolve) => context.services.onInterrupt(() => resolve()));
    if (given.workers > 1 && cluster.isPrimary) {
      for (let i = 0; i < given.workers; i++) cluster.fork();
      // One that died is replaced; nothing was in it.
      cluster.on('exit', ({ exitedAfterDisconnect }) => exitedAfterDisconnect || cluster.fork());
      cluster.once('listening', (_, { port }) =>
        stderr.write(`${name} at http://${given.host}:${port}/get_reward, ${given.workers} processes\n`),
      );
      await stopped;
      cluster.removeAllListeners('exit');
      await new Promise<void>((resolve) => cluster.disconnect(resolve));
      return;
    }
    const app = rewardsApp({
      reward,
      format: formats[given.toolFormat],
      most: given.queue,
      tell: (sentence) => stderr.write(`${sentence}\n`),
    });
    const listening = await listen(app, { host: given.host, port: given.port });
    if (cluster.isPrimary) stderr.write(`${name} at ${listening.url}/get_reward\n`);
    await stopped;
    await listening.close();
  },
});
