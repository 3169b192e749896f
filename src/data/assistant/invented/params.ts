import { wordsOf } from '../library.ts';
import { testWords } from '../values.ts';

/** Parameters of invented functions: `name; kind; ways to give it`, where {} is the value. */
export interface InventedParam {
  readonly name: string;
  readonly kind: string;
  readonly cues: readonly string[];
}

const TABLE = `
  title; title; called {}, titled {}, with title {}
  name; made; named {}, called {}, with the name {}
  label; label; labeled {}, with label {}, called {}
  person; person; for {}, with {}, to {}
  contact; person; with {}, to {}
  recipient; person; to {}, for {}
  sender; person; from {}
  owner; person; of {}, owned by {}
  guest; person; for guest {}, with {}
  author; artist; by {}, written by {}
  artist; artist; by {}, of {}
  customer; person; for {}, for customer {}
  manager; person; under {}, with manager {}
  city; city; in {}, near {}
  location; place; in {}, at {}
  place; place; at {}, near {}
  destination; place; to {}, towards {}
  origin; city; from {}
  from_city; city; from {}, starting in {}
  to_city; city; to {}
  venue; place; at {}
  address; place; at address {}, at {}
  region; city; in the region {}, across {}
  country; made; in country {}, for country {}
  room; room; in the {}, for the {}
  area; garden; in the {}, around the {}
  minutes; 1..95; for {} minutes, of {} minutes
  hours; 1..48; for {} hours, lasting {} hours
  seconds; 5..120; for {} seconds, after {} seconds
  days; 1..90; for {} days, over {} days
  weeks; 1..20; for {} weeks
  months; 1..36; for {} months
  duration; 1..120; with duration {}, lasting {}
  year; 1950..2040; in {}, of the year {}
  time; time; at {}, from {}
  start_time; time; from {}, starting at {}
  end_time; time; until {}, ending at {}
  deadline; time; before {}, by {}
  day; day; on {}
  date; day; on {}, for {}
  weekday; day; every {}, on {}
  count; 1..60; {} times
  quantity; 1..99; with quantity {}, {} in total
  amount; 1..900; with amount {}, for {} dollars
  price; 1..900; for {} dollars, at a price of {}
  cost; 1..500; costing {}, at a cost of {}
  limit; 1..200; up to {}, with a limit of {}
  maximum; 1..300; at most {}, up to {}
  minimum; 1..50; at least {}
  level; 0..100; at level {}, to level {}
  percent; 0..100; to {} percent, at {} percent
  volume; 0..100; at volume {}
  speed; 1..200; at speed {}
  degrees; 10..250; to {} degrees, at {} degrees
  temperature; 5..250; at {} degrees, with temperature {}
  width; 1..500; {} wide, with width {}
  height; 1..500; {} high, with height {}
  weight; 1..150; weighing {}, with weight {}
  size; small/medium/large; in size {}, sized {}
  km; 1..300; for {} km, within {} km
  radius; 1..50; within {} km, with radius {}
  distance; 1..400; over a distance of {}, {} km away
  page; 1..400; from page {}, on page {}
  pages; 2..300; with {} pages, of {} pages
  chapter; 1..40; from chapter {}, at chapter {}
  number; 1..900; number {}
  version; 1..30; in version {}, version {}
  priority; low/normal/high; with {} priority, at {} priority
  color; red/blue/green/yellow; in {}, colored {}
  shape; round/square/flat; in a {} shape
  mode; eco/normal/turbo; in {} mode
  quality; low/standard/high; in {} quality, with {} quality
  format; pdf/text/csv; as {}, in {} format
  unit; metric/imperial; in {} units
  state; on/off; with power {}, set to {}
  direction; left/right/up/down; to the {} side, going {}
  language; english/french/german; in {}
  style; plain/modern/classic; in {} style
  side; front/back/top; on the {} side
  item; thing; with the {}, including the {}
  product; thing; for the {}
  material; made; made of {}, from {}
  ingredient; grocery; with {}, using {}
  dish; dish; with {}, for {}
  topic; topic; about {}, on {}
  subject; topic; about {}, on the subject {}
  query; topic; matching {}, for {}
  keyword; made; with keyword {}, containing {}
  category; label; in category {}, under {}
  folder; made; in folder {}, to the folder {}
  list; label; on the list {}, from list {}
  project; title; in project {}, for the project {}
  team; made; for team {}, with team {}
  group; made; in group {}, for the group {}
  company; shop; from {}, at {}
  store; shop; at {}, from {}
  brand; shop; from {}, of brand {}
  device; device; on the {}, with the {}
  app; app; in {}, with the app {}
  code; code; with code {}, code {}
  order_id; code; with order {}, order {}
  tag; made; tagged {}, with tag {}
  reason; topic; because of {}, due to {}
  note; message; with the note {}, saying {}
  message; message; saying {}, with the message {}
  text; message; that says {}, with text {}
  task; task; to {}
  event; event; for the {}, at the {}
  channel; 1..300; on channel {}
  people; 1..40; for {} people, with {} people
  stars; 1..10; with {} stars
`;

const BANNED = testWords();

export const INVENTED_PARAMS: readonly InventedParam[] = TABLE.trim()
  .split('\n')
  .map((line) => {
    const [name = '', kind = '', cues = ''] = line.split(';').map((part) => part.trim());
    return { name, kind, cues: cues.split(', ') };
  })
  .filter(
    ({ name, kind, cues }) =>
      !wordsOf([name, kind.includes('/') ? kind : '', ...cues].join(' ')).some((word) => BANNED.has(word)),
  );
