import { defineDomain } from '../spec.ts';

export const media = defineDomain('media', [
  {
    names: 'play_movie|watch_movie|start_film',
    description: 'Play a movie on the tv',
    params: ['title|movie|film: title', 'language|audio?: english/french/german'],
    train: `
      (play|start|put on) the (movie|film)< {title}>[ in {language}]
      = I (want|would like) to (watch|see) the (movie|film)< {title}>[ in {language}]
      (let's|let us) watch the (movie|film)< {title}>[ in {language}]
      show the (movie|film)< {title}>[ in {language}]`,
    test: `
      show me the movie< {title}>[ in {language}]
      let me watch the (movie|film)< {title}>[ in {language}]
      = I want to see the film called <{title}~something>[ in {language}]`,
    many: `play the movies *{title}*`,
    manyTest: `show me the movies *{title}*`,
  },
  {
    names: 'set_channel|change_channel|tv_channel',
    description: 'Switch the tv channel',
    params: ['channel|number|station_number: 1..300'],
    train: `
      (switch|change|turn)( the tv|) to <channel {channel}~another channel>
      (put on|show) <channel {channel}~another channel>
      go to <channel {channel}~another channel>
      = I want to watch <channel {channel}~another channel>`,
    test: `
      put the tv on <channel {channel}~another channel>
      change the channel to <{channel}~another one>
      show me <channel {channel}~another channel> on the tv`,
  },
  {
    names: 'record_show|schedule_recording|tape_show',
    description: 'Record a tv show',
    params: ['show|title|program: title', 'day|date?: day', 'time|start?: time'],
    train: `
      record the show< {show}>[ on {day}][ at {time}]
      (record|tape) the (show|program)< {show}>[ on {day}]
      = I want to record the< {show}> show[ on {day}][ at {time}]
      (set up|make|start) a recording< of {show}>[ on {day}][ at {time}]
      record for me the< {show}> show[ on {day}]`,
    test: `
      tape for me the show< {show}>[ at {time}][ on {day}]
      = I want a recording< of {show}>[ on {day}][ at {time}]
      record for me[ on {day}] the program< {show}>[ at {time}]`,
    many: `(record|tape) the shows *{show}*`,
    manyTest: `tape *the show {show} on {day}*`,
  },
  {
    names: 'rate_movie|score_movie|movie_rating',
    description: 'Give a movie some stars',
    params: ['title|movie|film: title', 'stars|rating|score: 1..10'],
    train: `
      (rate|score) the movie {title}< with {stars} stars>
      give <the movie {title}~a movie> {stars} stars
      (rate|score) the film {title}< {stars} stars>
      = the movie {title} (gets|deserves)< {stars}~ some> stars
      = I rate the movie {title}< with {stars} stars>
      = the film {title} gets< {stars}~ some> stars`,
    test: `
      give< {stars}~ some> stars to the movie {title}
      = I give <the film {title}~a film> {stars} stars
      = the film {title} deserves< {stars}~ some> stars`,
    many: `rate the movies *{title} with {stars} stars*`,
    manyTest: `score the movies *{title} with {stars} stars*`,
  },
]);
