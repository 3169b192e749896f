/** Page to try a model on: a request, tools, the calls with how sure the model is, tokens and time. */
import { readFileSync } from 'node:fs';

let page: string | undefined;

/** HTML, without anything that is loaded from elsewhere. */
export function playground(): string {
  page ??= readFileSync(new URL('./playground.html', import.meta.url), 'utf8');
  return page;
}
