/** Requests of a project as a model gets them: a checkpoint in its own chat template, a server as applications ask it. */
import { identityOf } from '../../../../src/base/identity.ts';
import type { ToolFormat } from '../../../../src/chat/formats/format.ts';
import { hermes } from '../../../../src/chat/formats/hermes.ts';
import type { Message, Tool } from '../../../../src/chat/messages.ts';
import { ChatTemplate } from '../../../../src/chat/template.ts';
import { Tokenizer } from '../../../../src/chat/tokenizer.ts';
import { checkpointAt, checkpointContents } from '../../../../src/model/checkpoint/checkpoint-path.ts';
import type { Prompt } from '../../../../src/sampling/sampler.ts';
import type { Verbatim } from '../../../constrain/src/calls.ts';
import { isAddress } from '../tools/address.ts';

export interface Asked {
  /** Changes when other answers are to be expected. */
  readonly identity: string;
  /** Form of the calls in what it answers. */
  readonly format: ToolFormat;
  readonly prompt: (request: string) => Prompt;
  /** Answer in what it wrote. */
  readonly answerIn: (text: string) => string;
}

/** Checkpoint folder, GGUF file, or a server by its address; calls of the first two are held to the functions. */
export function askedOf(model: string, tools: readonly Tool[], verbatim: Verbatim, served = ''): Asked {
  const said = (request: string): readonly Message[] => [{ role: 'user', content: request }];
  if (isAddress(model)) {
    return {
      identity: identityOf([model, served, tools]),
      format: hermes,
      // With an empty text of the prompt, the server's calls are written out in the format.
      prompt: (request) => ({ messages: said(request), text: '', tools }),
      answerIn: (text) => text.replace(/^[^]*<\/think>/, ''),
    };
  }
  const source = checkpointAt(model);
  const template = ChatTemplate.of(Tokenizer.load(source)).fixed('off');
  return {
    identity: identityOf([checkpointContents(source), tools, verbatim]),
    format: template.format,
    prompt: (request) => ({
      text: template.prompt({ messages: said(request), tools }),
      rules: { tools, request, verbatim },
    }),
    answerIn: (text) => text,
  };
}
