import { defineDomain } from '../spec.ts';

export const fitness = defineDomain('fitness', [
  {
    names: 'log_run|record_run|add_run',
    description: 'Record a run',
    params: ['km|distance|kilometers: 2..42', 'minutes|duration?: 12..240'],
    train: `
      (log|record|save) a run< of {km} km>[ in {minutes} minutes]
      = I ran< {km} km~ today>[ in {minutes} minutes]
      (add|save) my run< of {km} km>[ in {minutes} minutes]
      (log|add) a< {km} km> run[ that took {minutes} minutes]`,
    test: `
      save that I ran< {km} km>[ in {minutes} minutes]
      record my< {km} km> run[ that took {minutes} minutes]
      = I did a run< of {km} km>[ in {minutes} minutes], log it`,
    many: `(log|record|save) runs of *{km}* km`,
    manyTest: `add my runs *of {km} km in {minutes} minutes*`,
  },
  {
    names: 'log_weight|record_weight|save_weight',
    description: 'Record body weight',
    params: ['kg|weight|kilos: 45..120', 'day|date?: day'],
    train: `
      (log|record|save) my weight< of {kg} kg>[ on {day}]
      = I (weigh|weighed)< {kg} kg~ myself>[ on {day}]
      my weight is< {kg} kg~ different>[ on {day}]
      (log|save)[ for {day}] a weight< of {kg} kg>
      log a new weight< of {kg} kg>[ on {day}]`,
    test: `
      record that I weigh< {kg} kg~ something>[ on {day}]
      save a new weight[ for {day}]< of {kg} kg>
      my weight was< {kg} kg~ different>[ on {day}], log it`,
    many: `(log|save) my weight *of {kg} kg on {day}*`,
    manyTest: `record that I weighed *{kg} kg on {day}*`,
  },
  {
    names: 'log_water|drink_water|add_water',
    description: 'Record glasses of water',
    params: ['glasses|count|amount: 1..12'],
    train: `
      (log|record|add)< {glasses}> glasses of water
      = I drank< {glasses}~ some> glasses of water
      (save|add) that I (drank|had)< {glasses}~ some> glasses of water
      = I (had|just had)< {glasses}~ some> glasses of water`,
    test: `
      record that I drank< {glasses}~ some> glasses of water
      = I had< {glasses}~ some> glasses of water, log them
      save< {glasses}~ some> glasses of water`,
    many: `log *{glasses} glasses of water*`,
    manyTest: `record *{glasses} glasses of water*`,
  },
  {
    names: 'start_workout|begin_training|workout',
    description: 'Start a workout',
    params: ['kind|type|sport: yoga/rowing/boxing/cycling', 'minutes|duration?: 10..90'],
    train: `
      (start|begin) a<[ {minutes} minute] {kind}> workout
      (start|begin) a<[ {minutes} minute] {kind}> session
      = I (want|am going) to do <{kind}~a workout>[ for {minutes} minutes]
      let's do <{kind}~a workout>[ for {minutes} minutes]
      (track|start) my< {kind}> workout[ for {minutes} minutes]`,
    test: `
      begin my< {kind}> session[ for {minutes} minutes]
      = I want to start <{kind}~a workout>[ for {minutes} minutes]
      track a<[ {minutes} minute] {kind}> session`,
    many: `start workouts *of {kind} for {minutes} minutes*`,
    manyTest: `begin *{kind} for {minutes} minutes*`,
  },
  {
    names: 'set_step_goal|step_target|daily_steps',
    description: 'Set the daily step goal',
    params: ['steps|goal|target: 3000..20000 by 500'],
    train: `
      (set|change) my step goal< to {steps}>
      (make|set) my daily goal< {steps} steps~ different>
      = I want to (walk|do)< {steps}~ more> steps (a|every) day
      (set|change) the daily goal< to {steps} steps>`,
    test: `
      change my daily step goal< to {steps}>
      = my goal is now< {steps} steps~ another number of steps> a day
      = I want a goal of< {steps}~ more> steps every day`,
  },
  {
    names: 'log_meal|record_meal|add_meal',
    description: 'Record a meal',
    params: ['dish|food|meal: dish', 'calories|kcal?: 150..950 by 10'],
    train: `
      (log|record) <the {dish}~a meal> I ate[, {calories} calories]
      = I (ate|had) <{dish}~a meal>[ with {calories} calories]
      (log|save|record) a meal< of {dish}>[ with {calories} calories]
      (add|save) <{dish}~something> to my meals[, {calories} calories]`,
    test: `
      save that I ate <{dish}~a meal>[ with {calories} calories]
      = I had <{dish}~a meal>[, {calories} calories], log it
      record <{dish}~something> in my meals[, {calories} calories]`,
    many: `(log|record) meals of *{dish}*`,
    manyTest: `save that I ate *{dish}*`,
  },
  {
    names: 'log_sleep|record_sleep|add_sleep',
    description: 'Record hours of sleep',
    params: ['hours|duration|amount: 3..12', 'quality|rating?: good/poor'],
    train: `
      (log|record|save)< {hours}> hours of[ {quality}] sleep
      = I slept< {hours} hours>[ and it was {quality}]
      (add|log)[ {quality}] sleep< of {hours} hours>
      = I had< {hours}~ some> hours of[ {quality}] sleep
      (save|record) that I slept< {hours} hours>[ and it was {quality}]`,
    test: `
      = I had[ {quality}] sleep< of {hours} hours>, record it
      = I slept< {hours} hours>, log it[ as {quality}]
      record my[ {quality}] sleep< of {hours} hours>`,
    many: `log *{hours} hours of {quality} sleep*`,
    manyTest: `record *{quality} sleep of {hours} hours*`,
  },
]);
