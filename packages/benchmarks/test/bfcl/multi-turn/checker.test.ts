/** The checker's rules, and how calls are read and run. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { UserError } from '../../../../../src/base/errors.ts';
import {
  callText,
  checkMultiTurn,
  type DecodedTurns,
  LongContext,
  type MultiTurnVerdict,
  readMultiTurnEntry,
  Simulation,
} from '../../../src/bfcl/multi-turn/index.ts';
import { MersenneTwister } from '../../../src/bfcl/multi-turn/python/random.ts';
import { parseJson } from '../../../../../src/json/parse.ts';
import { fromJson, type PyDict } from '../../../../../src/json/python.ts';
import type { JsonValue } from '../../../../../src/json/value.ts';
import { instanceOf, madeEntry, madeLongContext, raised } from './made.ts';

const MKDIR = "mkdir(dir_name='a')";
const LS = 'ls()';

function verdict(groundTruth: readonly (readonly string[])[], turns: DecodedTurns): string {
  const judged: MultiTurnVerdict = checkMultiTurn(
    madeEntry('GorillaFileSystem', '{}', { groundTruth }),
    turns,
  );
  return judged.valid ? 'valid' : [judged.errorType, ...judged.details].join(' ');
}

describe('a verdict', () => {
  it('wants as many turns as there are', () => {
    expect(verdict([[MKDIR], [LS]], [[[MKDIR]]])).toBe('multi_turn:force_terminated');
  });

  it('wants a call where one is wanted', () => {
    const empty = 'multi_turn:empty_turn_model_response';
    expect(verdict([[MKDIR]], [[]])).toBe(empty);
    expect(verdict([[MKDIR]], [[[]]])).toBe(empty);
    // Two empty steps are not seen as empty, but do nothing.
    expect(verdict([[MKDIR]], [[[], []]])).toBe('multi_turn:instance_state_mismatch root');
  });

  it('looks at nothing where no call is wanted, but what was done there stays done', () => {
    expect(verdict([[], [LS]], [[["touch('x')"]], [[LS]]])).toBe('multi_turn:instance_state_mismatch root');
    expect(verdict([[MKDIR], []], [[[MKDIR]], [["touch('x')"]]])).toBe('valid');
  });

  it('compares states turn by turn', () => {
    expect(verdict([[MKDIR], ["touch('b')"]], [[[MKDIR, "touch('b')"]], [[LS]]])).toBe(
      'multi_turn:instance_state_mismatch root',
    );
    expect(verdict([[MKDIR]], [[["touch('a')"], ["rm('a')"], [MKDIR]]])).toBe('valid');
  });

  it('finds a wanted result among all results so far, as often as it is wanted', () => {
    const empty = '{"current_directory_content": []}';
    expect(verdict([['pwd()'], [LS]], [[[LS], ['pwd()']], [['pwd()']]])).toBe('valid');
    expect(verdict([[LS, LS]], [[[LS]]])).toBe(`multi_turn:execution_response_mismatch ${empty}`);
    expect(verdict([[LS], [LS]], [[[LS]], [['pwd()']]])).toBe('valid');
  });

  it('tells ints from floats by what is printed, not in states', () => {
    const entry = (config: string) =>
      madeEntry('VehicleControlAPI', config, { groundTruth: [['fillFuelTank(5)']] });
    expect(checkMultiTurn(entry('{"fuelLevel": 1.5}'), [[['fillFuelTank(5.0)']]])).toEqual({ valid: true });
    expect(checkMultiTurn(entry('{"fuelLevel": 1}'), [[['fillFuelTank(5.0)']]])).toMatchObject({
      errorType: 'multi_turn:execution_response_mismatch',
      details: ['{"fuelLevel": 6}'],
    });
  });
});

describe('a call', () => {
  const run = instanceOf('GorillaFileSystem');

  it('is bound as Python binds arguments', () => {
    const name = 'GorillaFileSystem';
    expect(
      run("cd(dir='x')", "cd('x', folder='y')", 'cd(1, 2)', 'cd()', 'mv()', 'find(1, 2, 3)', 'pwd(1)'),
    ).toEqual(
      [
        `${name}.cd() got an unexpected keyword argument 'dir'`,
        `${name}.cd() got multiple values for argument 'folder'`,
        `${name}.cd() takes 2 positional arguments but 3 were given`,
        `${name}.cd() missing 1 required positional argument: 'folder'`,
        `${name}.mv() missing 2 required positional arguments: 'source' and 'destination'`,
        `${name}.find() takes from 1 to 3 positional arguments but 4 were given`,
        `${name}.pwd() takes 1 positional argument but 2 were given`,
      ].map(raised),
    );
    expect(instanceOf('TradingBot')('place_order(price=1)')).toEqual([
      raised(
        "TradingBot.place_order() missing 3 required positional arguments: 'order_type', 'symbol', and 'amount'",
      ),
    ]);
  });

  it('of an unknown or denied name is told as such', () => {
    expect(
      run(
        'nothing(x=1)',
        'GorillaFileSystem.ls()',
        'ls(a=true)',
        'ls(a=nan)',
        'remove(x)',
        'os.popen()',
        '__import__()',
      ),
    ).toEqual(
      [
        "name 'nothing' is not defined",
        "name 'GorillaFileSystem' is not defined",
        "name 'true' is not defined",
        "name 'nan' is not defined",
        'Function call remove is not allowed.',
        'Function call popen is not allowed.',
        "name '__import__' is not defined",
      ].map(raised),
    );
  });

  it('that is no Python has the errors of Python', () => {
    expect(
      run('ls(a-b=1)', 'ls(from=1)', 'ls(a=1, a=2)', 'ls(a=1, 2)', 'ls(True=1)', "ls('a)", 'ls', ''),
    ).toEqual(
      [
        'expression cannot contain assignment, perhaps you meant "=="?',
        'invalid syntax',
        'keyword argument repeated: a',
        'positional argument follows keyword argument',
        'cannot assign to True',
        'invalid syntax',
        'invalid syntax',
        'invalid syntax',
      ].map((reason) => raised(`${reason} (<string>, line 1)`)),
    );
  });

  it('loses blanks before parentheses in its texts, where known names get their instance', () => {
    expect(run("echo('Hello world (2024), 7 (x)')", "echo('use ls (x)')", "echo('a\\nls (x)')")).toEqual([
      '{"terminal_output": "Hello world(2024), 7 (x)"}',
      '{"terminal_output": "use tinystar_multi_turn_base_0_gorillafilesystem_instance.ls(x)"}',
      '{"terminal_output": "a\\nls(x)"}',
    ]);
    const named = new Simulation(madeEntry('GorillaFileSystem'), { side: 'model', modelName: 'a/b-1.5' });
    expect(named.execute(["echo('ls(x)')"])).toEqual([
      '{"terminal_output": "a_b_1_5_eval_multi_turn_base_0_gorillafilesystem_instance.ls(x)"}',
    ]);
  });

  it('brings every JSON value through its text', () => {
    const echo = instanceOf('VehicleControlAPI');
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 3 }), (value) => {
        const python = fromJson(value as JsonValue);
        const call = callText('display_log', new Map([['messages', python]]));
        // Parentheses in texts are not left alone, see above.
        fc.pre(!call.slice(12).includes('('));
        // Python keeps the sign of -0.0, which JSON.stringify drops.
        const [printed = ''] = echo(call);
        expect(JSON.stringify(JSON.parse(printed))).toBe(JSON.stringify({ log: value }));
      }),
    );
  });

  it('never throws, whatever it says', () => {
    const names = ['cd', 'ls', 'find', 'tail', 'echo', 'mv', 'du', 'wc'];
    fc.assert(
      fc.property(fc.constantFrom(...names), fc.string(), fc.jsonValue(), (name, text, value) => {
        const literal = callText('', new Map([['x', fromJson(value as JsonValue)]])).slice(3, -1);
        const calls = [text, `${name}(${text})`, `${name}(${literal})`, `${name}('docs', ${literal})`];
        for (const result of instanceOf('GorillaFileSystem')(...calls)) expect(typeof result).toBe('string');
      }),
    );
  });
});

describe('entries', () => {
  const question = (fields: string): PyDict =>
    parseJson(`{"id": "multi_turn_long_context_1", ${fields}}`) as PyDict;
  const answers = new Map([['ground_truth', [['ls()']]]]);

  it('of the long context need its constants', () => {
    const row = question('"initial_config": {}, "involved_classes": ["GorillaFileSystem"]');
    expect(() => readMultiTurnEntry(row, answers, undefined)).toThrow(UserError);
    const entry = readMultiTurnEntry(row, answers, madeLongContext);
    expect(new Simulation(entry).execute(['ls()'])).toEqual(['{"current_directory_content": []}']);
    expect(() => new LongContext(new Map(), 'nothing')).toThrow(/nothing has no list named WATCH_LIST/);
  });

  it('that are broken are told by their id', () => {
    const fault = (fields: string): unknown => {
      const row = question(fields);
      return new Simulation(readMultiTurnEntry(row, answers, madeLongContext));
    };
    expect(() => fault('"initial_config": []')).toThrow(/initial_config of multi_turn_long_context_1/);
    expect(() => fault('"initial_config": {}, "involved_classes": ["Shell"]')).toThrow(
      /class Shell, which is not/,
    );
    expect(() =>
      fault('"initial_config": {"TwitterAPI": {"tweets": {"x": {}}}}, "involved_classes": ["TwitterAPI"]'),
    ).toThrow(/TwitterAPI that cannot be loaded: invalid literal for int/);
  });
});

it("draws CPython's random numbers", () => {
  const random = new MersenneTwister(141053);
  expect(Array.from({ length: 4 }, () => random.uint32())).toEqual([
    4005903735, 621264111, 3547616316, 1134450972,
  ]);
  const floats = new MersenneTwister(141053);
  expect(Array.from({ length: 3 }, () => floats.random())).toEqual([
    0.932697140758107, 0.8259937857399504, 0.37092346839795565,
  ]);
});
