/** A checkpoint folder as the one who answers a benchmark. */
import { existsSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { UserError } from '../base/errors.ts';
import { DEFAULT_TEMPLATE } from '../chat/default-template.ts';
import type { Message } from '../chat/messages.ts';
import { Tokenizer } from '../chat/tokenizer.ts';
import { Device } from '../ggml/device.ts';
import { checkpointAt, checkpointName } from '../model/checkpoint-path.ts';
import { type LoadedModel, loadModel } from '../model/checkpoint.ts';
import { Generator } from '../model/generation.ts';
import { chatAnswers, chatPrompts } from './chat.ts';
import type { Answer, AnsweringModel, AskOptions } from './models.ts';

export class LocalModel implements AnsweringModel {
  readonly name: string;
  readonly identity: string;
  readonly #device: Device;
  readonly #model: LoadedModel;
  readonly #generator: Generator;
  readonly #tokenizer: Tokenizer;

  private constructor(folder: string, device: Device, tokenizer: Tokenizer, model: LoadedModel) {
    this.name = checkpointName(folder);
    const weights = statSync(join(folder, 'model.safetensors'), { throwIfNoEntry: false });
    this.identity = JSON.stringify([resolve(folder), weights?.mtimeMs ?? 0]);
    this.#device = device;
    this.#model = model;
    this.#tokenizer = tokenizer;
    this.#generator = new Generator(device, model.config, model.parameters);
  }

  /** Loads a Hugging Face folder, or the model of a run's stage; throws a UserError if it is none. */
  static open(path: string, deviceName: string): LocalModel {
    const folder = checkpointAt(path);
    if (!existsSync(join(folder, 'config.json'))) {
      throw new UserError(
        'MODEL',
        `${path} is no checkpoint: it has no config.json; give the folder of a Hugging Face checkpoint or of a run's stage, a .gguf file, or a server's address that begins with http.`,
      );
    }
    const tokenizer = Tokenizer.load(folder);
    const device = Device.open(deviceName);
    try {
      return new LocalModel(folder, device, tokenizer, loadModel(device, folder, { trainable: false }));
    } catch (thrown) {
      device[Symbol.dispose]();
      throw thrown;
    }
  }

  async *chat(
    conversations: readonly (readonly Message[])[],
    options: AskOptions,
  ): AsyncGenerator<Answer, void, undefined> {
    const template = this.#tokenizer.chatTemplate ?? DEFAULT_TEMPLATE;
    yield* chatAnswers(this.complete(chatPrompts(template, conversations, options), options), options);
  }

  async *complete(prompts: readonly string[], options: AskOptions): AsyncGenerator<Answer, void, undefined> {
    const { maxTokens, temperature, topP = 1, seed = 0, signal } = options;
    const encoded = prompts.map((prompt, index) => ({ index, ids: this.#tokenizer.encode(prompt) }));
    const fits = encoded.filter(({ ids }) => ids.length < this.#model.config.maxPositions);
    for (const { index, ids } of encoded) {
      if (ids.length >= this.#model.config.maxPositions) yield { index, text: '', tokens: 0, end: 'full' };
    }
    const drawn = this.#generator.stream(
      fits.map(({ ids }) => ids),
      {
        temperature,
        topP,
        maxTokens,
        seed,
        stopIds: [this.#tokenizer.eosId],
        ...(signal === undefined ? {} : { signal }),
      },
    );
    for await (const { prompt, samples } of drawn) {
      const [sample] = samples;
      const index = fits[prompt]?.index;
      if (sample === undefined || index === undefined) continue;
      const text = this.#tokenizer.decode(sample.tokens, { skipSpecial: true });
      yield { index, text, tokens: sample.tokens.length, end: sample.finish };
    }
  }

  [Symbol.dispose](): void {
    this.#generator[Symbol.dispose]();
    this.#model.parameters[Symbol.dispose]();
    this.#device[Symbol.dispose]();
  }
}
