/** The assistant's data set: dialogues for distillation and evaluation, and invented functions for pre-training. */
export {
  assistantGroup,
  assistantGroups,
  DEFAULT_GROUPS,
  generateAssistant,
  GROUP_SIZE,
  type AssistantDialogue,
} from './generate.ts';
export { definitionsGroup } from './definitions.ts';
export { maskedGroup } from './masked.ts';
export { renamedGroup } from './renamed.ts';
export { CATEGORIES, NO_FUNCTION } from './cases.ts';
export { peopleGroup } from './people/group.ts';
export { type PeopleSet, readSets } from './people/sets.ts';
export { inventedGroup, inventedGroups } from './invented/generate.ts';
export { fileGroup, readGroups } from './groups.ts';
