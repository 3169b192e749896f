/** What word problems are told about: names, things and sentences, one domain a story; transfer has its own. */

/** How a story begins: with a number, or with one that has to be computed. */
export const OPENINGS = ['plain', 'sum', 'square', 'root', 'difference'] as const;
export type Opening = (typeof OPENINGS)[number];

/** What happens to the number next. */
export const MOVES = ['add', 'subtract', 'multiply', 'divide', 'full', 'needed', 'rest', 'rounded'] as const;
export type Move = (typeof MOVES)[number];

/** {who}, {item} and {box} are the story's; {a}, {b}, {d} and {list} its numbers. */
export interface Domain {
  readonly name: string;
  readonly people: readonly string[];
  readonly items: readonly string[];
  readonly boxes: readonly string[];
  readonly openings: Readonly<Record<Opening, string>>;
  readonly moves: Readonly<Record<Move, string>>;
  readonly ask: string;
}

const FARM: Domain = {
  name: 'farm',
  people: ['Anna', 'Ben', 'Clara', 'David'],
  items: ['hens', 'eggs', 'apples', 'pears'],
  boxes: ['crates', 'baskets'],
  openings: {
    plain: '{who} has {a} {item}.',
    sum: '{who} counts {item} in several barns: {list}.',
    square: 'A square field has sides of {a} metres; take its area.',
    root: 'A square field has an area of {a}; take the length of a side.',
    difference: 'It is {a} degrees at night and {b} by day; take the difference without its sign.',
  },
  moves: {
    add: '{who} buys {b} more.',
    subtract: '{who} sells {b} of them.',
    multiply: 'A year later there are {b} times as many.',
    divide: 'They are shared equally among {b} neighbours; look at one share.',
    full: 'They are packed into {box} of {b}; count the full {box}.',
    needed: 'They are packed into {box} of {b}; count the {box} that are needed.',
    rest: 'They are packed into {box} of {b}; count what is left over.',
    rounded: 'They are shared among {b} neighbours; give one share to {d} decimals.',
  },
  ask: 'How many is it?',
};

const SCHOOL: Domain = {
  name: 'school',
  people: ['Emma', 'Felix', 'Greta', 'Hugo'],
  items: ['pencils', 'books', 'cards', 'pupils'],
  boxes: ['boxes', 'groups'],
  openings: {
    plain: 'There are {a} {item} in the class of {who}.',
    sum: '{who} adds up the {item} of the classes: {list}.',
    square: 'A square hall is {a} metres wide; take its area.',
    root: 'A square hall has an area of {a}; take its width.',
    difference: 'Two tests gave {a} and {b} points; take how far they are apart.',
  },
  moves: {
    add: '{b} more arrive.',
    subtract: '{b} of them are taken away.',
    multiply: 'The whole school has {b} times that number.',
    divide: 'They are split into {b} equal parts; take one part.',
    full: 'They form {box} of {b}; count the complete {box}.',
    needed: 'They form {box} of {b}, the last one may be smaller; count the {box}.',
    rest: 'They form {box} of {b}; count those that remain.',
    rounded: 'They are split into {b} parts; give one part to {d} decimals.',
  },
  ask: 'What is the number?',
};

const SHOP: Domain = {
  name: 'shop',
  people: ['Ivan', 'Julia', 'Karl', 'Lena'],
  items: ['cups', 'shirts', 'lamps', 'coins'],
  boxes: ['bags', 'parcels'],
  openings: {
    plain: '{who} starts the day with {a} {item}.',
    sum: '{who} received {item} in deliveries of {list}.',
    square: 'A square tile has sides of {a} centimetres; take its area.',
    root: 'A square tile has an area of {a}; take the length of a side.',
    difference: 'A price went from {a} to {b}; take the change without its sign.',
  },
  moves: {
    add: 'A delivery brings {b}.',
    subtract: 'Customers take {b}.',
    multiply: 'All shops together have {b} times as many.',
    divide: 'They are spread evenly over {b} shelves; take one shelf.',
    full: 'They are sent in {box} of {b}; count the full {box}.',
    needed: 'They are sent in {box} of {b}; count the {box} that it takes.',
    rest: 'They are sent in full {box} of {b}; count what stays.',
    rounded: 'They are spread over {b} shelves; give the mean to {d} decimals.',
  },
  ask: 'How many are there in the end?',
};

/** The domains to learn from, and to be tested on. */
export const DOMAINS: readonly Domain[] = [FARM, SCHOOL, SHOP];

/** The domains of transfer: other words for everything, and longer stories. */
export const TRANSFER_DOMAINS: readonly Domain[] = [
  {
    name: 'travel',
    people: ['Mona', 'Nils', 'Olga', 'Paul'],
    items: ['kilometres', 'litres', 'passengers'],
    boxes: ['buses', 'boats'],
    openings: {
      plain: 'The tour of {who} begins with {a} {item}.',
      sum: 'The stages of the tour are {list} {item} long; take the whole tour.',
      square: 'A square map is {a} centimetres high; take its surface.',
      root: 'A square map has a surface of {a}; take its height.',
      difference: 'One town lies at {a} metres, the other at {b}; take how far one is above the other.',
    },
    moves: {
      add: 'A detour makes it {b} longer.',
      subtract: 'A short cut saves {b}.',
      multiply: 'The tour is repeated until it is {b} times the length.',
      divide: 'It is covered in {b} equal days; take one day.',
      full: 'They travel in {box} with {b} seats; how many {box} are filled?',
      needed: 'They travel in {box} with {b} seats; how many {box} does it take?',
      rest: '{box} leave when {b} seats are taken; how many wait?',
      rounded: 'It is covered in {b} days; give the mean of a day to {d} decimals.',
    },
    ask: 'What does the log of the tour say?',
  },
  {
    name: 'workshop',
    people: ['Rita', 'Sven', 'Tina', 'Udo'],
    items: ['screws', 'planks', 'wires'],
    boxes: ['trays', 'drawers'],
    openings: {
      plain: 'In the workshop of {who} lie {a} {item}.',
      sum: 'Machines made {list} {item}; take the output.',
      square: 'A square plate with an edge of {a} is painted; take the painted area.',
      root: 'Paint for {a} covers a square plate; take its edge.',
      difference: 'A gauge shows {a} where {b} was wanted; take the error without its sign.',
    },
    moves: {
      add: 'Another {b} are cut.',
      subtract: '{b} turn out faulty.',
      multiply: 'With {b} machines the output is that many times larger.',
      divide: 'Every one of {b} jobs gets the same number; take one job.',
      full: 'The {box} hold {b} each; how many are full?',
      needed: 'The {box} hold {b} each; how many are in use?',
      rest: 'After filling {box} of {b}, how many lie loose?',
      rounded: '{b} jobs share them; give the mean to {d} decimals.',
    },
    ask: 'What is written on the sheet?',
  },
];
