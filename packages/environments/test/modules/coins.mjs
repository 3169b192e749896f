// Coins whose side only luck can tell: whoever has learned the form is right half of the time.
export default {
  name: 'coins',
  description: 'coins that lie covered',
  tools: [
    {
      name: 'look',
      description: 'look at the coin',
      parameters: { type: 'object', properties: {} },
      run: () => 'it is covered',
    },
  ],
  problems: ({ split, count }) =>
    Array.from({ length: count }, (_, i) => ({
      id: `${split}-${i}`,
      category: 'coin',
      question: 'Heads or tails?',
      answer: i % 2 === 0 ? 'heads' : 'tails',
      solution: [{ thought: '', calls: [{ name: 'look', arguments: {} }] }],
    })),
};
