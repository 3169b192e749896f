/** Values of JSON Schema's `format` that are held, as regular expressions: what RFC 3339, 3986, 4122 and 5321 allow, or most of it. */

const HOUR = '(?:[01]\\d|2[0-3])';
const MINUTE = '[0-5]\\d';
const LEAP_YEAR = '(?:[1-9]\\d(?:0[48]|[2468][048]|[13579][26])|(?:[2468][048]|[13579][26])00)';
const DATE = `(?:[1-9]\\d{3}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\\d|30)|02-(?:0[1-9]|1\\d|2[0-8]))|${LEAP_YEAR}-02-29)`;
const TIME = `${HOUR}:${MINUTE}:${MINUTE}(?:\\.\\d{1,9})?(?:Z|[+-]${HOUR}:${MINUTE})`;

const BYTE = '(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)';
const IPV4 = `(?:${BYTE}\\.){3}${BYTE}`;
const LABEL = '[A-Za-z\\d](?:[A-Za-z\\d-]{0,61}[A-Za-z\\d])?';
const HOST = `${LABEL}(?:\\.${LABEL}){0,8}`;
const ATOM = '[A-Za-z\\d_%+-]+';
const PATH_CHAR = "(?:[A-Za-z\\d._~!$&'()*+,;=:@-]|%[\\dA-Fa-f]{2})";
const TAIL = `(?:\\?(?:${PATH_CHAR}|[/?])*)?(?:#(?:${PATH_CHAR}|[/?])*)?`;

/** Patterns that all hold, by format. */
export const TEXT_FORMATS: Readonly<Record<string, readonly string[]>> = {
  date: [`^${DATE}$`],
  time: [`^${TIME}$`],
  'date-time': [`^${DATE}T${TIME}$`],
  // A name before the sign has 64 characters at most.
  email: [`^${ATOM}(?:\\.${ATOM})*@(?:${LABEL}\\.){1,8}[A-Za-z]{2,24}$`, '^[^@]{1,64}@'],
  uuid: ['^[\\da-fA-F]{8}-[\\da-fA-F]{4}-[\\da-fA-F]{4}-[\\da-fA-F]{4}-[\\da-fA-F]{12}$'],
  ipv4: [`^${IPV4}$`],
  uri: [
    `^[A-Za-z][A-Za-z\\d+.-]*:(?://${HOST}(?::\\d{1,5})?(?:/${PATH_CHAR}*)*|${PATH_CHAR}+(?:/${PATH_CHAR}*)*)${TAIL}$`,
  ],
};

/** Patterns of all that a validator may take for a format, which is more than what is held. */
export const LOOSE_FORMATS: Readonly<Record<string, string>> = {
  date: '^\\d{4}-',
  time: '^\\d\\d:',
  'date-time': '^\\d{4}-.*:',
  email: '@',
  uuid: '-[\\dA-Fa-f]{12}$',
  ipv4: '^[\\d.]+$',
  uri: ':',
};
