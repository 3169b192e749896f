/** HTML by tagged templates: whatever is put into one is escaped, unless it is HTML made the same way. */
export interface Html {
  readonly html: string;
}

export type Content = Html | string | number | false | undefined | readonly Content[];

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function render(content: Content): string {
  if (content === undefined || content === false) return '';
  if (typeof content === 'object') return 'html' in content ? content.html : content.map(render).join('');
  return String(content).replace(/[&<>"']/g, (character) => ESCAPES[character] ?? character);
}

/** `html\`<b>${text}</b>\``: the text is escaped. */
export function html(strings: TemplateStringsArray, ...values: readonly Content[]): Html {
  return { html: strings.map((text, i) => text + render(values[i])).join('') };
}

/** Text of this program's own that is HTML, CSS or script already. */
export function trusted(text: string): Html {
  return { html: text };
}

/** An element with its attributes, of which undefined and empty ones are left out, and its content. */
export function element(
  name: string,
  attributes: Readonly<Record<string, string | undefined>>,
  content: Content,
): Html {
  const given = Object.entries(attributes).filter(([, value]) => value !== undefined && value !== '');
  const start = [name, ...given.map(([key, value]) => html`${key}="${value}"`.html)].join(' ');
  return { html: `<${start}>${render(content)}</${name}>` };
}
