import { defineDomain } from '../spec.ts';

export const music = defineDomain('music', [
  {
    names: 'play_song|play_track|start_song',
    description: 'Play one song',
    params: ['title|song|track: title', 'artist|singer|band?: artist'],
    train: `
      play <the song {title}~a song>[ by {artist}]
      (start|put on) <the song {title}~a song>[ by {artist}]
      = I want to hear <the song {title}~a song>[ by {artist}]
      let me hear <the track {title}~a track>[ by {artist}]
      (play|start) <the track {title}~a track>[ by {artist}]
      play me <the song {title}~a song>[ by {artist}]`,
    test: `
      put on <the track {title}~a track>[ by {artist}]
      = I want to hear <the track {title}~a track>[ by {artist}]
      let me hear <the song {title}~a song>[ by {artist}]`,
    many: `play the songs *{title}*
      (start|play) the songs *{title} by {artist}*`,
    manyTest: `put on the songs *{title}*
      let me hear the songs *{title} by {artist}*`,
  },
  {
    names: 'queue_song|add_to_queue|play_next',
    description: 'Add a song to the queue',
    params: ['title|song|track: title', 'artist|singer?: artist'],
    train: `
      (queue|queue up) <the song {title}~a song>[ by {artist}]
      add <the song {title}~a song>[ by {artist}] to the queue
      play <the song {title}~a song>[ by {artist}] next
      put <the track {title}~a track>[ by {artist}] in the queue
      = I want <the song {title}~a song>[ by {artist}] next
      = next (play|I want) <the track {title}~a track>[ by {artist}]
      put <the song {title}~a song>[ by {artist}] in my queue`,
    test: `
      queue <the track {title}~a track>[ by {artist}]
      put <the song {title}~a song>[ by {artist}] next in the queue
      add <the track {title}~a track>[ by {artist}] to my queue`,
    many: `(queue|queue up) the songs *{title}*
      add the songs *{title}* to the queue`,
    manyTest: `put the songs *{title}* in my queue`,
  },
  {
    names: 'play_playlist|start_playlist|open_playlist',
    description: 'Play a playlist',
    params: ['playlist|name|list_name: title', 'shuffle|random?: on/off'],
    train: `
      play (my|the) playlist< {playlist}>[ with shuffle {shuffle}]
      (start|put on) the< {playlist}> playlist[ with shuffle {shuffle}]
      = I want to hear my< {playlist}> playlist[ with shuffle {shuffle}]
      (start|play) my playlist< called {playlist}>[, shuffle {shuffle}]
      let me (hear|listen to) my playlist< {playlist}>[ with shuffle {shuffle}]`,
    test: `
      put on my playlist< called {playlist}>[ with shuffle {shuffle}]
      = I want to hear the playlist< {playlist}>[, shuffle {shuffle}]
      let me hear the< {playlist}> playlist[ with shuffle {shuffle}]`,
    many: `play the playlists *{playlist}*`,
    manyTest: `put on the playlists *{playlist}*`,
  },
  {
    names: 'play_artist|play_music_by|artist_mix',
    description: 'Play music by an artist|Play songs of a band',
    params: ['artist|singer|band: artist'],
    train: `
      play (something|some music|music)< by {artist}>
      play songs< of {artist}>
      put on (some music|something)< by {artist}>
      = I (want|would like) to hear music< by {artist}>`,
    test: `
      = I want to hear songs< of {artist}>
      put on songs< by {artist}>
      let me hear some music< by {artist}>`,
    many: `play (music|songs) by *{artist}*`,
    manyTest: `put on some songs of *{artist}*`,
  },
  {
    names: 'set_volume|change_volume|volume_level',
    description: 'Set the volume|Set how loud it plays',
    params: ['level|volume|percent: 0..100', 'room|speaker?: room'],
    train: `
      set the volume[ in the {room}]< to {level}>
      (turn|change) the volume< to {level}>[ in the {room}]
      (make|put) the volume< {level}~ different>[ in the {room}]
      = I want the volume< at {level}~ changed>[ in the {room}]
      = the volume should be< {level}~ different>[ in the {room}]
      (lower|turn down) the volume< to {level}>[ in the {room}]`,
    test: `
      = volume should be< at {level}~ different>[ in the {room}]
      lower the volume[ in the {room}]< down to {level}~ to another level>
      = volume< at {level}>[ in the {room}]`,
    many: `set the volume *in the {room} to {level}*`,
    manyTest: `turn the volume *to {level} in the {room}*`,
  },
  {
    names: 'play_podcast|start_podcast|podcast_play',
    description: 'Play a podcast episode',
    params: ['podcast|show|name: title', 'episode|number?: 1..240'],
    train: `
      play[ episode {episode} of] the podcast< {podcast}>
      (start|put on)[ episode {episode} of] the< {podcast}> podcast
      = I want to (hear|listen to)[ episode {episode} of] the podcast< {podcast}>
      play the< {podcast}> podcast[, episode {episode}]
      let me (hear|listen to)[ episode {episode} of] the< {podcast}> podcast
      (play|start) a podcast called <{podcast}~something>[, episode {episode}]
      = I want to hear the< {podcast}> podcast[, episode {episode}]`,
    test: `
      = the podcast< {podcast}>, please play[ episode {episode} of] it
      let me hear the podcast called <{podcast}~something>[, episode {episode}]
      = I want the podcast called <{podcast}~something>[, episode {episode}]`,
    many: `(play|start) the podcasts *{podcast}*`,
    manyTest: `let me hear the podcasts *{podcast}*`,
  },
  {
    names: 'play_radio|tune_radio|radio_start',
    description: 'Play a radio station',
    params: ['station|channel|name: title'],
    train: `
      (play|put on|turn on) the radio station< {station}>
      tune (in|the radio) to < {station}~ a station>
      (play|start)< {station}~ a station> on the radio
      = I want to listen to the radio station< {station}>`,
    test: `
      turn on the radio and tune to< {station}~ a station>
      = I want to hear< {station}~ a station> on the radio
      let me listen to the radio station< {station}>`,
    many: `play the radio stations *{station}*`,
    manyTest: `tune to the radio stations *{station}*`,
  },
]);
