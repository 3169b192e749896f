import { defineDomain } from '../spec.ts';

export const clock = defineDomain('clock', [
  {
    names: 'set_timer|start_timer|timer_start',
    description: 'Start a countdown timer|Count down some minutes',
    params: ['minutes|duration_minutes|length: 1..95', 'label|name|title?: label'],
    train: `
      (set|start|create) a timer< for {minutes} minutes>[ called {label}]
      (set|start) a< {minutes} minute> timer[ for the {label}]
      (start|run) a countdown< of {minutes} minutes>[ named {label}]
      count down< {minutes} minutes>[ for the {label}]
      = I need a timer< for {minutes} minutes>[ called {label}]`,
    test: `
      = I need a countdown< of {minutes} minutes>[ called {label}]
      create a< {minutes} minute> countdown[ named {label}]
      run a timer< for {minutes} minutes>[ for the {label}]`,
    many: `
      (set|start) timers for *{minutes}* minutes
      (start|set) timers *for {minutes} minutes called {label}*`,
    manyTest: `
      create timers of *{minutes}* minutes
      = I need timers *of {minutes} minutes named {label}*`,
  },
  {
    names: 'set_alarm|create_alarm|alarm_set',
    description: 'Set an alarm for a clock time|Ring at a given time',
    params: ['time|clock_time|alarm_time: time', 'day|weekday?: day', 'label|name?: label'],
    train: `
      (set|create) an alarm< for {time}>[ on {day}][ called {label}]
      wake me up< at {time}>[ on {day}]
      = I (need|want) an alarm< at {time}>[ on {day}]
      put an alarm< at {time}>[ on {day}][ named {label}]
      (set|make) my alarm< for {time}>[ on {day}]`,
    test: `
      make an alarm< for {time}>[ on {day}][ called {label}]
      wake me<~ up>[ on {day}]< at {time}>
      = I want to wake up< at {time}>[ on {day}]`,
    many: `
      set alarms for *{time}*
      wake me up *at {time} on {day}*`,
    manyTest: `
      create alarms at *{time}*
      put alarms *at {time} on {day}*`,
  },
  {
    names: 'cancel_alarm|delete_alarm|remove_alarm',
    description: 'Delete an alarm',
    params: ['time|clock_time|alarm_time: time'],
    train: `
      (cancel|delete|remove) (my|the)< {time}> alarm
      (cancel|delete|remove) the alarm< for {time}>
      turn off the< {time}> alarm
      = I (don't need|no longer need) the< {time}> alarm
      get rid of (my|that) alarm< at {time}>`,
    test: `
      turn off my alarm< for {time}>
      = I no longer need my alarm< at {time}>
      get rid of the< {time}> alarm`,
    many: `(cancel|delete|remove) the alarms for *{time}*`,
    manyTest: `get rid of the alarms at *{time}*`,
  },
  {
    names: 'cancel_timer|stop_timer|timer_cancel',
    description: 'Stop a running timer',
    params: ['label|name|title: label'],
    train: `
      (cancel|stop|end) the< {label}> timer
      (cancel|stop) my timer< called {label}>
      (stop|end) the countdown< for the {label}>
      turn off the timer< named {label}>`,
    test: `
      end my timer< called {label}>
      turn off my< {label}> timer
      cancel the countdown< named {label}>`,
    many: `(cancel|stop) the timers called *{label}*`,
    manyTest: `end the timers named *{label}*`,
  },
  {
    names: 'set_reminder|add_reminder|remind',
    description: 'Remind the user of a task|Add a reminder',
    params: ['task|text|content: task', 'time|clock_time: time', 'day|weekday?: day'],
    train: `
      remind me to {task}[ on {day}]< at {time}>
      (set|add|create) a reminder< to {task}>[ on {day}] at {time}
      (set|add|send me) a reminder at {time}[ on {day}]< to {task}>
      = at {time}[ on {day}] remind me< to {task}~ of something>
      = I need a reminder to {task}[ on {day}]< at {time}>`,
    test: `
      create a reminder at {time}[ on {day}]< to {task}>
      = I want a reminder[ on {day}] to {task}< at {time}>
      = [on {day}] at {time} send me a reminder< to {task}>`,
    many: `
      remind me *to {task} at {time}*
      (set|add) reminders *to {task} at {time}*`,
    manyTest: `
      create reminders *at {time} to {task}*
      = I need reminders *to {task} at {time}*`,
  },
  {
    names: 'delete_reminder|remove_reminder|drop_reminder',
    description: 'Delete a reminder',
    params: ['task|text|content: task'],
    train: `
      (delete|remove|cancel) (the|my) reminder< to {task}>
      stop reminding me< to {task}>
      = I don't need the reminder< to {task}> (anymore|now)
      (drop|delete) the reminder< to {task}>
      get rid of my reminder< to {task}>`,
    test: `
      get rid of the reminder< to {task}>
      = I no longer need my reminder< to {task}>
      drop my reminder< to {task}>`,
    many: `(delete|remove|cancel) the reminders *to {task}*`,
    manyTest: `drop my reminders *to {task}*`,
  },
  {
    names: 'get_time|world_clock|time_in_city',
    description: 'Current time in a city',
    params: ['city|place|location: city'],
    train: `
      what time is it< in {city}~ there>
      (tell|give) me the time< in {city}>
      what's the (local|current) time< in {city}>
      (check|show) the (local|current) time< in {city}>
      = I want to know what time it is< in {city}~ there>`,
    test: `
      show me the current time< in {city}>
      = I want to know the time< in {city}>
      tell me what time it is< in {city}~ there>`,
    many: `(tell me|show|check) the time in *{city}*`,
    manyTest: `give me the local time in *{city}*`,
  },
]);
