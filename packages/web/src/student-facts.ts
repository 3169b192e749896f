/** Facts of a checkpoint with its functions, as its page reads them. */
import { UserError } from '../../../src/base/errors.ts';
import type { FormatName } from '../../../src/chat/formats/index.ts';
import type { Tool } from '../../../src/chat/messages.ts';
import { ChatTemplate } from '../../../src/chat/template.ts';
import { Tokenizer } from '../../../src/chat/tokenizer.ts';
import { loadConfig } from '../../../src/model/checkpoint/checkpoint.ts';
import { verbatimIn } from '../../fit/src/acceptance/header.ts';
import type { PromptFacts, StudentFacts, VocabularyFacts } from './page/facts.ts';

/** Tokens that a request and its answer have room for. */
const ROOM = 1024;
/** Stands for the request; of the private use area, so that no template has it. */
const REQUEST = '\u{F0103}';

function vocabularyFacts(tokenizer: Tokenizer): VocabularyFacts {
  const ids = Array.from({ length: tokenizer.vocabSize }, (_, id) => id);
  return {
    bytes: ids.map((id) => Buffer.from(tokenizer.tokenBytes(id)).toString('latin1')),
    added: ids.filter((id) => tokenizer.addedText(id) !== undefined),
    special: tokenizer.specialIds(),
    stop: tokenizer.stopIds,
  };
}

/** Prompts around their requests. Throws a UserError for a template that does not write a request as it is. */
function promptFacts(tokenizer: Tokenizer, template: ChatTemplate, tools: readonly Tool[]): PromptFacts {
  const written = template.prompt({ messages: [{ role: 'user', content: REQUEST }], tools });
  const [before, after, ...more] = written.split(REQUEST);
  if (before === undefined || after === undefined || more.length > 0)
    throw new UserError(
      'CHAT_TEMPLATE',
      "The chat template does not write a request once and as it is, which a page needs; correct the checkpoint's chat_template.jinja.",
    );
  const isSpecial = (id: number): boolean => tokenizer.isSpecial(id);
  const [head, tail] = [[...tokenizer.encode(before)], [...tokenizer.encode(after)]];
  head.splice(head.findLastIndex(isSpecial) + 1);
  const first = tail.findIndex(isSpecial);
  tail.splice(0, first < 0 ? tail.length : first);
  const [own, rest] = [tokenizer.decode(head), tokenizer.decode(tail)];
  // A tokenizer that changes texts has no tokens that stand for a part of one.
  if (!before.startsWith(own) || !after.endsWith(rest))
    return { before, after, head: [], start: before, end: after, tail: [] };
  const end = after.slice(0, after.length - rest.length);
  return { before, after, head, start: before.slice(own.length), end, tail };
}

/**
 * Facts of a checkpoint's folder or GGUF file that is shown some functions, without the sizes of files. Throws a UserError for
 * functions that leave no room for a request.
 */
export function studentFacts(
  checkpoint: string,
  name: string,
  tools: readonly Tool[],
): Omit<StudentFacts, 'bytes'> {
  const tokenizer = Tokenizer.load(checkpoint);
  const template = ChatTemplate.of(tokenizer).fixed(undefined);
  const { name: formatName, thinks, turn, assistant } = template.format;
  const prompt = promptFacts(tokenizer, template, tools);
  const most = loadConfig(checkpoint).contextLength;
  const shown = tokenizer.encode(prompt.before + prompt.after).length;
  if (shown >= most)
    throw new UserError(
      'PROMPT_TOO_LONG',
      `The functions take ${shown} tokens, and ${checkpoint} reads ${most}; give fewer functions.`,
    );
  return {
    name,
    context: Math.min(most, shown + ROOM),
    prompt,
    format: { name: formatName as FormatName, thinks, turn, assistant },
    tools,
    verbatim: verbatimIn(checkpoint) ?? {},
    vocabulary: vocabularyFacts(tokenizer),
  };
}
