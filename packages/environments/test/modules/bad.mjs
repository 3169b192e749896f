// An environment in which everything goes wrong that can.
const none = { type: 'object', properties: {} };
const tool = (name, run, parameters = none) => ({ name, description: name, parameters, run });
const hoard = [];

export default {
  name: 'bad',
  description: 'functions that misbehave',
  tools: [
    tool('throws', () => {
      throw new Error('no such luck');
    }),
    tool('throws_oddly', () => {
      throw {
        toString() {
          throw new Error('not even that');
        },
      };
    }),
    tool('never', () => {
      for (;;);
    }),
    tool('waits', () => new Promise(() => undefined)),
    tool('hoards', () => {
      for (;;) hoard.push(Array.from({ length: 10_000 }, (_, i) => ({ i })));
    }),
    tool('huge', () => 'x'.repeat(10 * 2 ** 20)),
    tool('gives_function', () => () => 1),
    tool('gives_cycle', () => {
      const a = {};
      a.a = a;
      return a;
    }),
    tool('exits', () => process.exit(3)),
    tool('prints', () => {
      console.log('into the progress bar');
      return { n: 1, list: [true, null, 2.5] };
    }),
    tool('rejects_later', () => {
      void Promise.reject(new Error('nobody listens'));
      return new Promise(() => undefined);
    }),
    tool('count', (given, state) => (state.n += given.by), {
      type: 'object',
      properties: { by: { type: 'integer' } },
      required: ['by'],
    }),
  ],
  start: ({ broken }) => {
    if (broken) throw new Error('no start');
    return { n: 0 };
  },
  problems: ({ split, count }) =>
    Array.from({ length: count }, (_, i) => ({ id: `${split}-${i}`, question: `${i}?`, answer: String(i) })),
};
