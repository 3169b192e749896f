/** HTML by tagged templates: whatever is put into one is escaped, unless it is HTML made the same way. */
export interface Html {
  readonly html: string;
}

export type Content = Html | string | number | undefined | readonly Content[];

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ESCAPES[character] ?? character);
}

function render(content: Content): string {
  if (content === undefined) return '';
  if (typeof content === 'string') return escapeHtml(content);
  if (typeof content === 'number') return String(content);
  if (isList(content)) return content.map(render).join('');
  return content.html;
}

function isList(content: Html | readonly Content[]): content is readonly Content[] {
  return Array.isArray(content);
}

/** `html\`<b>${text}</b>\``: the text is escaped. */
export function html(strings: TemplateStringsArray, ...values: readonly Content[]): Html {
  return { html: strings.map((text, i) => text + render(values[i])).join('') };
}

/** Text of this program's own that is HTML, CSS or script already. */
export function trusted(text: string): Html {
  return { html: text };
}
