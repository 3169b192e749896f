/** Faults of the option `teacher` of stages whose teacher answers over HTTP. */
import { withoutSecrets } from '../base/secrets.ts';
import { addressFault, keyVariableFault } from '../sampling/served/address.ts';
import type { TeacherOptions } from '../sampling/served/options.ts';
import type { StageProblem } from './stage.ts';

/** Settings of a server that is asked; no secret that stands there by mistake is shown. */
export function* teacherProblems({
  endpoints,
  api_key_env: variable,
}: TeacherOptions): Iterable<StageProblem> {
  for (const [i, endpoint] of endpoints.entries()) {
    const why = addressFault(endpoint);
    if (why !== undefined)
      yield {
        path: ['teacher', 'endpoints', i],
        text: `.teacher.endpoints.${i} is ${JSON.stringify(withoutSecrets(endpoint))} and ${why}.`,
      };
  }
  const why = variable === undefined ? undefined : keyVariableFault(variable);
  if (why !== undefined) yield { path: ['teacher', 'api_key_env'], text: `.teacher.api_key_env ${why}.` };
}
