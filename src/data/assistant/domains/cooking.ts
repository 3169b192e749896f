import { defineDomain } from '../spec.ts';

export const cooking = defineDomain('cooking', [
  {
    names: 'find_recipe|search_recipe|get_recipe',
    description: 'Find a recipe for a dish',
    params: ['dish|meal|name: dish', 'minutes|max_minutes?: 10..90 by 5'],
    train: `
      (find|search|get) me a recipe< for {dish}>[ that takes {minutes} minutes]
      how do I (cook|make) <{dish}~it>[ in {minutes} minutes]
      (show|give) me a[ {minutes} minute] recipe< for {dish}>
      = I want to (cook|make) <{dish}~something>[ in {minutes} minutes]`,
    test: `
      show me how to make <{dish}~it>[ in {minutes} minutes]
      look for a[ {minutes} minute] recipe< for {dish}>
      = I need a recipe< for {dish}>[ that takes {minutes} minutes]`,
    many: `(find|get|show) me recipes for *{dish}*`,
    manyTest: `look for recipes for *{dish}*`,
  },
  {
    names: 'save_recipe|bookmark_recipe|keep_recipe',
    description: 'Save a recipe to a cookbook',
    params: ['dish|recipe|name: dish', 'book|cookbook|folder?: label'],
    train: `
      (save|keep|bookmark) the recipe< for {dish}>[ in the {book} book]
      (save|bookmark) the< {dish}> recipe[ in my {book} book]
      (put|add) the< {dish}> recipe (in|into) my[ {book}] book
      = I want to keep the recipe< for {dish}>[ in my {book} book]`,
    test: `
      = I want to save the< {dish}> recipe[ in the {book} book]
      keep the< {dish}> recipe in my[ {book}] book
      bookmark for me the recipe< of {dish}>[ in my {book} book]`,
    many: `(save|keep|bookmark) the recipes for *{dish}*`,
    manyTest: `keep the *{dish}* recipes`,
  },
  {
    names: 'set_oven|preheat_oven|heat_oven',
    description: 'Heat the oven',
    params: ['degrees|temperature|heat: 100..250 by 5', 'mode|program?: grill/fan/steam'],
    train: `
      (preheat|heat) the oven< to {degrees}>[ with {mode}]
      (set|turn) the oven< to {degrees} degrees>[ in {mode} mode]
      (heat|start|preheat) the oven[ in {mode} mode]< at {degrees}>
      = I need the oven< at {degrees} degrees>[ with {mode}]`,
    test: `
      = I need to heat the oven< to {degrees} degrees>[ with {mode}]
      turn on the oven[ in {mode} mode]< at {degrees}>
      = I want the oven< to heat to {degrees}~ hot>[ with {mode}]`,
  },
  {
    names: 'scale_recipe|set_servings|recipe_servings',
    description: 'Change the servings of a recipe',
    params: ['dish|recipe|name: dish', 'servings|people|portions: 2..16'],
    train: `
      (scale|change) the< {dish}> recipe to {servings} servings
      (make|scale) the recipe for {dish}< for {servings} people~ bigger>
      (change|set) the servings of the {dish}< to {servings}>
      = I need the {dish} recipe for< {servings}~ more> people
      = I want to change the {dish} recipe to< {servings}~ more> people`,
    test: `
      make the {dish} recipe< for {servings} people~ for more people>
      set the< {dish}> recipe to {servings} servings
      scale the recipe for {dish}< to {servings} servings>`,
    many: `scale *the {dish} recipe to {servings} servings*`,
    manyTest: `change the servings *of the {dish} to {servings}*`,
  },
]);
