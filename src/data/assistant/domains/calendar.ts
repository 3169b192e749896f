import { defineDomain } from '../spec.ts';

export const calendar = defineDomain('calendar', [
  {
    names: 'create_event|add_event|new_appointment',
    description: 'Add an event to the calendar',
    params: ['event|title|name: event', 'day|date: day', 'time|start?: time'],
    train: `
      (add|put) <the {event}~an event> (to|in) my calendar on {day}[ at {time}]
      (schedule|plan) the {event}< on {day}>[ at {time}]
      create an event< called {event}> on {day}[ at {time}]
      = I have <the {event}~an event> on {day}[ at {time}], put it in my calendar`,
    test: `
      schedule <the {event}~an event> for {day}[ at {time}]
      put on my calendar for {day}[ at {time}]<: the {event}~ an event>
      add an event on {day}[ at {time}]< called {event}>`,
    many: `(schedule|plan) *the {event} on {day}*
      add to my calendar *the {event} on {day} at {time}*`,
    manyTest: `put in my calendar *the {event} on {day}*`,
  },
  {
    names: 'cancel_event|delete_event|remove_appointment',
    description: 'Cancel a calendar event',
    params: ['event|title|name: event'],
    train: `
      (cancel|delete) the< {event}~ event> in my calendar
      (cancel|remove) <the {event}~an event> from my calendar
      = the {event} is off, remove it from my calendar
      take <the {event}~an event> off my calendar
      = I can't go to <the {event}~an event>, (cancel|delete) it`,
    test: `
      delete <the {event}~an event> from my calendar
      = I can't go to the {event}, cancel it
      = the {event} is off, take it off my calendar`,
    many: `(cancel|delete) *the {event}* in my calendar`,
    manyTest: `take *the {event}* off my calendar`,
  },
  {
    names: 'move_event|reschedule_event|shift_appointment',
    description: 'Move an event to another day',
    params: ['event|title|name: event', 'day|new_day|target_day: day', 'time|new_time?: time'],
    train: `
      (move|shift) the {event}< to {day}~ to another day>[ at {time}]
      reschedule the {event}< to {day}~ to another day>[ at {time}]
      (move|reschedule) <the {event}~an event> in my calendar to {day}[ at {time}]
      = the {event} is now on {day}[ at {time}], move it
      = I want to shift the {event}< to {day}~ to another day>[ at {time}]
      put the {event}< on {day} instead~ on another day>[ at {time}]`,
    test: `
      shift <the {event}~an event> in my calendar to {day}[ at {time}]
      = I want to move the {event}< to {day}~ to another day>[ at {time}]
      = the {event} is now on {day}[ at {time}], shift it`,
    many: `(move|shift) *the {event} to {day}*`,
    manyTest: `reschedule *the {event} to {day}*`,
  },
  {
    names: 'list_events|show_calendar|get_agenda',
    description: 'List the events of a day',
    params: ['day|date|weekday: day'],
    train: `
      what (is|do I have) on my calendar< on {day}>
      (show|list|read) my (events|calendar)< for {day}~ for one day>
      do I have (any|some) events< on {day}~ that day>
      what are my (plans|events)< for {day}~ that day>`,
    test: `
      list my plans< for {day}~ for one day>
      what events do I have< on {day}~ that day>
      show me what is on my calendar< for {day}~ for one day>`,
    many: `(show|list) my events for *{day}*`,
    manyTest: `read my calendar for *{day}*`,
  },
  {
    names: 'invite_person|add_guest|send_invite',
    description: 'Invite someone to an event',
    params: ['person|guest|contact: person', 'event|title: event'],
    train: `
      invite <{person}~someone> to the {event}
      (send|give) {person} an invite< to the {event}>
      add <{person}~someone> as a guest to the {event}
      ask <{person}~someone> to come to the {event}
      (ask|invite) {person}< to the {event}~ to something>
      = I want <{person}~someone> as a guest at the {event}`,
    test: `
      send an invite< to {person}> for the {event}
      add a guest< called {person}> to the {event}
      = I want <{person}~someone> to come to the {event}, send an invite`,
    many: `invite *{person}* to the {event}
      invite *{person} to the {event}*`,
    manyTest: `= I want *{person}* to come to the {event}`,
  },
]);
