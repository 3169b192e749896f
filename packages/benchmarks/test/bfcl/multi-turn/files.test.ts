/** GorillaFileSystem. */
import { describe, expect, it } from 'vitest';
import { errorText, instanceOf, raised, type Runs } from './made.ts';

const TREE = `{"root": {"home": {"type": "directory", "contents": {
  "docs": {"type": "directory", "contents": {
    "a.txt": {"type": "file", "content": "b\\na\\nb c"},
    "sub": {"type": "directory", "contents": {}}
  }},
  "log.txt": {"type": "file", "content": "one\\u2028two\\r\\nthré"},
  ".hidden": {"type": "file", "content": ""},
  "link": {"type": "symlink"}
}}, "second": {"type": "directory", "contents": {}}}}`;

const shell = (): Runs => instanceOf('GorillaFileSystem', TREE);
const last = (results: readonly string[]): string => results.at(-1) ?? '';

describe('paths', () => {
  it('begin with the name of the first root', () => {
    expect(shell()('pwd()', "cd(folder='docs')", 'pwd()')).toEqual([
      '{"current_working_directory": "/home"}',
      '{"current_working_directory": "docs"}',
      '{"current_working_directory": "/home/docs"}',
    ]);
    expect(instanceOf('GorillaFileSystem')('pwd()')).toEqual(['{"current_working_directory": "//"}']);
  });

  it('lead down, but up only as ".." alone', () => {
    const results = shell()(
      "cd('docs/sub')",
      "cd('..')",
      "cd('/docs/')",
      "cd('sub/..')",
      "cd('/')",
      "cd('..')",
    );
    expect(results).toEqual([
      '{"current_working_directory": "sub"}',
      '{}',
      '{"current_working_directory": "docs"}',
      errorText('cd: sub/..: No such directory. You cannot use path to change directory.'),
      '{"current_working_directory": "home"}',
      errorText('Cuurent directory is already the root. Cannot go back.'),
    ]);
  });

  it('fail at files and at empty components', () => {
    for (const folder of ['log.txt', '', '//', 'docs//sub', 'home'])
      expect(shell()(`cd('${folder}')`)).toEqual([
        errorText(`cd: ${folder}: No such directory. You cannot use path to change directory.`),
      ]);
    expect(shell()('cd(5)')).toEqual([raised("'int' object has no attribute 'strip'")]);
  });
});

describe('listing', () => {
  it('hides names that begin with a point, unless asked, and skips unknown types', () => {
    expect(shell()('ls()', 'ls(True)')).toEqual([
      '{"current_directory_content": ["docs", "log.txt"]}',
      '{"current_directory_content": ["docs", "log.txt", ".hidden"]}',
    ]);
  });

  it('finds from the current directory, whatever the path, which is only a prefix', () => {
    expect(shell()("find('/nowhere/', 'a')", "find(name='txt')")).toEqual([
      '{"matches": ["/nowhere/docs/a.txt"]}',
      '{"matches": ["./docs/a.txt", "./log.txt"]}',
    ]);
    expect(shell()('find(name=1)')).toEqual([
      raised("'in <string>' requires string as left operand, not int"),
    ]);
  });

  it('adds up UTF-8 bytes', () => {
    // "b\na\nb c" is 7 bytes; "one", U+2028, "two", CR LF and "thré" are 3 + 3 + 3 + 2 + 5.
    expect(shell()('du()', 'du(human_readable=1)')).toEqual([
      '{"disk_usage": "23 bytes"}',
      '{"disk_usage": "23.00 B"}',
    ]);
    const big = `{"root": {"r": {"type": "directory", "contents": {"f": {"type": "file", "content": "${'x'.repeat(1029)}"}}}}}`;
    // 1029 / 1024 = 1.0048828125
    expect(instanceOf('GorillaFileSystem', big)('du(True)')).toEqual(['{"disk_usage": "1.00 KB"}']);
  });
});

describe('reading', () => {
  it('counts lines as Python splits them, words and characters', () => {
    expect(shell()("wc('log.txt')", "wc('log.txt','w')", "wc('log.txt','c')", "wc('log.txt','x')")).toEqual([
      '{"count": 3, "type": "lines"}',
      '{"count": 3, "type": "words"}',
      '{"count": 13, "type": "characters"}',
      errorText("wc: invalid mode 'x'"),
    ]);
  });

  it('takes a directory for nothing, but in cat', () => {
    expect(shell()("wc('docs')", "sort('docs')", "grep('docs','x')", "tail('docs')", "cat('docs')")).toEqual([
      errorText('wc: docs: No such file or directory'),
      errorText('sort: docs: No such file or directory'),
      errorText('grep: docs: No such file or directory'),
      errorText('tail: docs: No such file or directory'),
      errorText('cat: docs: Is a directory'),
    ]);
  });

  it('sorts, greps and writes JSON in ASCII', () => {
    expect(last(shell()("cd('docs')", "sort('a.txt')"))).toBe('{"sorted_content": "a\\nb\\nb c"}');
    expect(last(shell()("grep('log.txt','thr')"))).toBe('{"matching_lines": ["thr\\u00e9"]}');
    expect(shell()("grep('log.txt',1)")).toEqual([
      raised("'in <string>' requires string as left operand, not int"),
    ]);
  });

  it('shows the last lines, with the slices of Python', () => {
    const tail = (lines: string): string => last(shell()("cd('docs')", `tail('a.txt',${lines})`));
    expect(tail('1')).toBe('{"last_lines": "b c"}');
    expect(tail('0')).toBe('{"last_lines": "b\\na\\nb c"}');
    expect(tail('-1')).toBe('{"last_lines": "a\\nb c"}');
    expect(tail('7.5')).toBe('{"last_lines": "b\\na\\nb c"}');
    expect(tail('1.0')).toBe(raised('slice indices must be integers or None or have an __index__ method'));
    expect(tail("'1'")).toBe(raised("'>' not supported between instances of 'str' and 'int'"));
  });

  it('compares line by line up to the end of the shorter file', () => {
    const results = shell()("echo('one\\nTWO','new')", "diff('log.txt','new')", "diff('log.txt','docs')");
    expect(results).toEqual([
      'None',
      '{"diff_lines": "- two\\n+ TWO"}',
      errorText('diff: log.txt or docs: No such file or directory'),
    ]);
  });
});

describe('writing', () => {
  it('replaces what a file holds', () => {
    expect(shell()("echo('hi')", "echo('x','log.txt')", "cat('log.txt')", "echo('x','docs')")).toEqual([
      '{"terminal_output": "hi"}',
      'None',
      '{"file_content": "x"}',
      raised("'Directory' object has no attribute '_write'"),
    ]);
  });

  it('refuses names with marks, and names that exist', () => {
    expect(shell()("mkdir('a/b')", "mkdir('docs')", "touch('a:b')", "touch('log.txt')", 'touch(1)')).toEqual([
      errorText("mkdir: cannot create directory 'a/b': Invalid character"),
      errorText("mkdir: cannot create directory 'docs': File exists"),
      errorText("touch: cannot touch 'a:b': Invalid character"),
      errorText("touch: cannot touch 'log.txt': File exists"),
      raised("argument of type 'int' is not iterable"),
    ]);
  });

  it('removes', () => {
    expect(shell()("rmdir('docs')", "rmdir('log.txt')", "rm('docs')", "rm('docs')", 'ls()')).toEqual([
      errorText("rmdir: failed to remove 'docs': Directory not empty"),
      errorText("rmdir: cannot remove 'log.txt': Not a directory"),
      '{"result": "\'docs\' removed"}',
      errorText("rm: cannot remove 'docs': No such file or directory"),
      '{"current_directory_content": ["log.txt"]}',
    ]);
  });
});

describe('moving and copying', () => {
  it('moves into a directory, renames to the end, and overwrites nothing', () => {
    expect(
      shell()("mv('log.txt','docs')", "touch('log.txt')", "mv('log.txt','docs')", "mv('log.txt','new')"),
    ).toEqual([
      '{"result": "\'log.txt\' moved to \'docs/log.txt\'"}',
      'None',
      errorText("mv: cannot move 'log.txt' to 'docs/log.txt': File exists"),
      '{"result": "\'log.txt\' moved to \'new\'"}',
    ]);
    expect(last(shell()("mv('log.txt','.hidden')"))).toBe(
      errorText("mv: cannot move 'log.txt' to '.hidden': Not a directory"),
    );
  });

  it('leaves the children of a moved directory with their old parent', () => {
    const results = shell()(
      "mv('docs','papers')",
      "cd('papers')",
      "cd('sub')",
      'pwd()',
      "cd('..')",
      'pwd()',
      'ls()',
    );
    expect(results.slice(3)).toEqual([
      '{"current_working_directory": "/home/docs/sub"}',
      '{}',
      '{"current_working_directory": "/home/docs"}',
      '{"current_directory_content": ["a.txt", "sub"]}',
    ]);
  });

  it('raises where a copy finds its name taken', () => {
    expect(shell()("cp('log.txt','docs')", "cp('log.txt','docs')", "cp('log.txt','x/y')")).toEqual([
      '{"result": "\'log.txt\' copied to \'docs/log.txt\'"}',
      raised("File 'log.txt' already exists in directory 'docs'."),
      errorText(
        "cp: don't allow path in destination. Only file name and folder name is supported for this operation.",
      ),
    ]);
  });

  it('shares the files of a copied directory, not its entries', () => {
    const results = shell()(
      "cp('docs','copy')",
      "cd('copy')",
      "echo('new','a.txt')",
      "touch('more')",
      "cd('/docs')",
      "cat('a.txt')",
      'ls()',
    );
    expect(results.slice(-2)).toEqual([
      '{"file_content": "new"}',
      '{"current_directory_content": ["a.txt", "sub"]}',
    ]);
  });

  it('stops in a directory that was copied into itself', () => {
    expect(shell()("cp('docs','docs')", 'du()')).toEqual([
      '{"result": "\'docs\' copied to \'docs/docs\'"}',
      raised('maximum recursion depth exceeded'),
    ]);
  });

  it('loses a directory that was moved into itself', () => {
    const results = shell()("mv('docs','docs')", 'ls()');
    expect(results).toEqual([
      '{"result": "\'docs\' moved to \'docs/docs\'"}',
      '{"current_directory_content": ["log.txt"]}',
    ]);
  });
});

describe('the long context', () => {
  it('lengthens files but for some, and fills directories without directories', () => {
    const long = instanceOf('GorillaFileSystem', TREE, 'long');
    expect(
      long('ls()', "cat('log.txt')", "cd('docs')", "cat('a.txt')", "cd('sub')", 'ls()').slice(1),
    ).toEqual([
      '{"file_content": "one\\u2028two\\r\\nthr\\u00e9"}',
      '{"current_working_directory": "docs"}',
      '{"file_content": "b\\na\\nb c And so on."}',
      '{"current_working_directory": "sub"}',
      '{"current_directory_content": ["image_1.jpg", "image_2.jpg"]}',
    ]);
  });
});
