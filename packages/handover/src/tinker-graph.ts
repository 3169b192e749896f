/** Distillation losses as graphs of torch functions, in the form of Tinker's create_custom_loss. */
import type { StageOf } from '../../../src/stages/index.ts';

type Arg = number | string | boolean | null | { readonly [kind: string]: unknown } | readonly Arg[];

interface Node {
  readonly op: 'placeholder' | 'call_function' | 'call_method' | 'output';
  readonly name: string;
  readonly target: string;
  readonly args: readonly Arg[];
  readonly kwargs: Readonly<Record<string, Arg>>;
}

export interface LossGraph {
  readonly name: string;
  /** The student's log-probabilities at the teacher's ids first, then what the data bring, with their ranks. */
  readonly inputs: readonly { readonly name: string; readonly rank: 1 | 2 }[];
  readonly graph: { readonly format: 1; readonly nodes: readonly Node[] };
}

interface Ref {
  readonly ref: string;
  readonly [kind: string]: unknown;
}

/** Nodes that are added one behind the other. */
class Nodes {
  readonly all: Node[] = [];

  #add(
    op: Node['op'],
    target: string,
    args: readonly Arg[],
    kwargs: Readonly<Record<string, Arg>> = {},
  ): Ref {
    const name = op === 'placeholder' ? target : `n${this.all.length}`;
    this.all.push({ op, name, target, args, kwargs });
    return { ref: name };
  }

  input(name: string): Ref {
    return this.#add('placeholder', name, []);
  }

  call(target: string, ...args: readonly Arg[]): Ref {
    return this.#add('call_function', target, args);
  }

  /** Sum over the teacher's entries, [T]. */
  sumRows(a: Ref): Ref {
    return this.#add('call_method', 'sum', [a, -1]);
  }

  method(name: string, ...args: readonly Arg[]): Ref {
    return this.#add('call_method', name, args);
  }

  output(value: Arg): void {
    this.all.push({ op: 'output', name: 'output', target: 'output', args: [value], kwargs: {} });
  }
}

/**
 * Graph of sum_t w_t (KL_t + tail * (1 - sum_k p_S)), where the tail is all of the student's mass outside the teacher's
 * ids. `teacher_head` of AKL is an input.
 */
export function lossGraph(type: StageOf<'distill'>['kd_kl_type'], tail: number, skew: number): LossGraph {
  const g = new Nodes();
  const student = g.input('logprobs'); // [T, K]
  const teacher = g.input('teacher_logprobs'); // [T, K]
  const weights = g.input('weights'); // [T]
  const inputs: LossGraph['inputs'] = [
    { name: 'logprobs', rank: 2 },
    { name: 'teacher_logprobs', rank: 2 },
    { name: 'weights', rank: 1 },
    ...(type === 'akl' ? [{ name: 'teacher_head', rank: 2 } as const] : []),
  ];
  const head = type === 'akl' ? g.input('teacher_head') : undefined;
  const pTeacher = g.call('torch.exp', teacher);
  const pStudent = g.call('torch.exp', student);
  /** sum_k p_A (log p_A - log p_B). */
  const kl = (p: Ref, a: Ref, b: Ref): Ref =>
    g.sumRows(g.call('operator.mul', p, g.call('operator.sub', a, b)));
  const mixture = (share: number): Ref =>
    g.call(
      'torch.log',
      g.call(
        'operator.add',
        g.call('operator.mul', pTeacher, share),
        g.call('operator.mul', pStudent, 1 - share),
      ),
    );
  const forward = kl(pTeacher, teacher, student);
  let loss = forward;
  if (type === 'sfkl') loss = kl(pTeacher, teacher, mixture(skew));
  else if (type === 'srkl') loss = kl(pStudent, student, mixture(1 - skew));
  else if (type !== 'fkl') {
    const reverse = kl(pStudent, student, teacher);
    loss = reverse;
    if (head !== undefined) {
      const gap = g.call('torch.abs', g.call('operator.sub', pStudent, pTeacher));
      const gapHead = g.sumRows(g.call('operator.mul', gap, head));
      const gapAll = g.sumRows(gap);
      const gapRest = g.call('operator.sub', gapAll, gapHead);
      const mixed = g.call(
        'operator.add',
        g.call('operator.mul', gapHead, forward),
        g.call('operator.mul', gapRest, reverse),
      );
      loss = g.call('operator.truediv', mixed, g.call('torch.clamp', gapAll, 1e-9));
    }
  }
  const of = (rows: Ref): Ref => g.method('sum', g.call('operator.mul', rows, weights));
  const metrics: Record<string, Ref> = { 'custom/fkl:sum': of(forward) };
  if (tail > 0) {
    const rest = g.call('operator.sub', 1, g.sumRows(pStudent));
    metrics['custom/tail:sum'] = of(rest);
    loss = g.call('operator.add', loss, g.call('operator.mul', rest, tail));
  }
  g.output({ tuple: [of(loss), { dict: metrics }] });
  return { name: 'star_ckd', inputs, graph: { format: 1, nodes: g.all } };
}
