/** The classes of errors: the official names, as verdict files of the benchmark have them, with what they mean. */
export const ERROR_CLASSES = {
  wrong_output_format: 'the reply is not a Python list of calls',
  'wrong functions number': 'more or fewer calls than wanted',
  function_mismatch: 'other functions than wanted',
  wrong_function_name: 'the function is described by another one, whose name is a part of its own',
  lack_args: 'a required parameter was left out',
  addition_args: 'a parameter that the function does not have, or that was not wanted',
  wrong_param: 'arguments where none are wanted, or none where some are',
  type_error: 'a value of another type than the document asks for',
  value_error: 'an object differs from the wanted one',
  'value_error:string': 'a text does not hold the wanted one',
  'value_error:list/tuple': 'a list differs from the wanted one',
  'value_error:list_dict_count': 'a list of objects has more or fewer of them than wanted',
  'simple_function_checker:unclear':
    'no call was like the wanted one, and the last call made was another function',
  error_detection: 'what is wrong with the request was not noticed',
  error_correction: 'what is wrong with the request was noticed and not named',
} as const;

export type ErrorClass = keyof typeof ERROR_CLASSES;

/** A verdict on one reply. */
export type Verdict = { readonly valid: true } | { readonly valid: false; readonly error: ErrorClass };

export const VALID: Verdict = { valid: true };

export function wrong(error: ErrorClass): Verdict {
  return { valid: false, error };
}
