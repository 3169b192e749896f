/** Things people say to an assistant that no function answers. `{topic}` and the like are kinds of text. */
import type { Split } from './values.ts';

export const SMALL_TALK: Readonly<Record<Split, readonly string[]>> = {
  train: [
    'tell me a joke',
    'tell me a joke about {topic}',
    'who are you',
    'how are you today',
    'what can you do',
    'do you like {topic}',
    'write a poem about {topic}',
    'why is {topic} so popular',
    'who invented {topic}',
    'what do you think about {topic}',
    'sing me something',
    'I feel tired today',
    'thank you, that was great',
    'good morning',
    'should I learn {topic}',
    'is {first} a good name for a dog',
    'tell me a story about {first}',
    'what is the capital of {city}',
    'how many people live in {city}',
    'do you know {first}',
  ],
  test: [
    'tell me a story about {topic}',
    'what do you know about {topic}',
    'should I like {topic}',
    'who is {first}',
    'write me a poem about {city}',
    'do you think {topic} is popular',
    'do you know a joke about {topic}',
    'are you tired today',
    'how many people like {topic}',
    'is {city} a good name for a dog',
  ],
};
