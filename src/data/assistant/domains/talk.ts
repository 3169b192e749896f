import { defineDomain } from '../spec.ts';

export const messages = defineDomain('messages', [
  {
    names: 'send_message|send_text|text_message',
    description: 'Send a text message to someone',
    family: 'talk',
    params: ['person|recipient|contact: person', 'text|message|body: message'],
    train: `
      (send|write) {person} a message< saying {text}>
      (send|write) a (message|text) to <{person}~someone> saying {text}
      text <{person}~someone> that {text}
      (text|message) {person}< and say {text}>
      send a text to {person}<: {text}>`,
    test: `
      write a text to {person}< saying {text}>
      message <{person}~someone> that {text}
      send <{person}~someone> a text: {text}`,
    many: `
      send a message saying {text} to *{person}*
      (text|message) *{person} that {text}*`,
    manyTest: `
      send *{person}* a text saying {text}
      send a text *to {person} saying {text}*`,
  },
  {
    names: 'send_email|write_email|email_person',
    description: 'Send an email',
    family: 'talk',
    params: ['person|receiver|recipient: person', 'subject|topic: topic', 'text|body?: message'],
    train: `
      (send|write) an email to <{person}~someone> about {subject}[ saying {text}]
      (send|write) {person} an email< about {subject}>
      email <{person}~someone> about {subject}[ and say {text}]
      (send|write) an email with subject {subject}< to {person}>[ saying {text}]
      = I need to email <{person}~someone> about {subject}[ saying {text}]`,
    test: `
      email {person}< with subject {subject}>[ and say {text}]
      write to <{person}~someone> by email about {subject}
      send an email about {subject}< to {person}>[ and say {text}]`,
    many: `(send|write) an email about {subject} to *{person}*
      email *{person} about {subject}*`,
    manyTest: `write an email *to {person} about {subject}*`,
  },
  {
    names: 'read_messages|show_messages|open_chat',
    description: 'Read the messages of a person',
    family: 'talk',
    params: ['person|sender|contact: person', 'count|limit?: 2..20'],
    train: `
      (read|show) me the[ last {count}] messages< from {person}~ from someone>
      (read|show)[ the last {count}] messages< from {person}~ from someone>
      = what did <{person}~someone> write to me
      (read|open) the[ last {count}] texts< from {person}~ from someone>
      (show|read) what <{person}~someone> wrote to me`,
    test: `
      open the[ last {count}] messages< from {person}~ from someone>
      show me[ the last {count}] texts< from {person}~ from someone>
      = I want to read the[ last {count}] messages< from {person}~ from someone>`,
    many: `(read|show) me the messages from *{person}*`,
    manyTest: `open the texts from *{person}*`,
  },
  {
    names: 'share_photo|send_photo|photo_share',
    description: 'Send photos of an album to someone',
    family: 'talk',
    params: ['person|recipient|contact: person', 'album|photos|folder: album'],
    train: `
      (send|share) the {album} (photos|pictures)< with {person}~ with someone>
      (send|show) {person} <the photos of {album}~some photos>
      share <the album {album}~an album> with {person}
      (share|send) photos of {album}< to {person}~ to someone>`,
    test: `
      share <photos of {album}~some photos> with {person}
      send the pictures of {album}< to {person}~ to someone>
      send the {album} album< to {person}~ to someone>`,
    many: `(share|send) the {album} photos to *{person}*`,
    manyTest: `send the pictures of {album} to *{person}*`,
  },
]);

export const calls = defineDomain('calls', [
  {
    names: 'call_person|phone_call|dial',
    description: 'Call someone on the phone',
    family: 'talk',
    params: ['person|contact|contact_name: person', 'speaker|speakerphone?: on/off'],
    train: `
      (call|phone|ring) <{person}~someone>[ with speaker {speaker}]
      give <{person}~someone> a call[ with speaker {speaker}]
      make a (call|phone call)< to {person}>[ with speaker {speaker}]
      = I (want|need) to (call|phone) <{person}~someone>[ with speaker {speaker}]`,
    test: `
      ring <{person}~someone> on the phone[ with speaker {speaker}]
      = I need to make a phone call< to {person}>[ with speaker {speaker}]
      start a phone call< with {person}>[, speaker {speaker}]`,
    many: `(call|phone|ring) *{person}*`,
    manyTest: `give *{person}* a call`,
  },
  {
    names: 'video_call|start_video_call|video_chat',
    description: 'Start a video call',
    family: 'talk',
    params: ['person|contact|contact_name: person'],
    train: `
      (start|make) a video call< with {person}>
      video call <{person}~someone>
      call <{person}~someone> (on|with) video
      = I want to (video chat|video call) with <{person}~someone>
      make a video chat< with {person}>`,
    test: `
      = I want a video chat< with {person}~ with someone>
      start a video chat< with {person}>
      = I want to call <{person}~someone> with video`,
    many: `start video calls with *{person}*`,
    manyTest: `make a video call with *{person}*`,
  },
  {
    names: 'leave_voicemail|send_voicemail|voicemail',
    description: 'Leave a voicemail for someone',
    family: 'talk',
    params: ['person|recipient|contact: person', 'text|message: message'],
    train: `
      leave <{person}~someone> a voicemail saying {text}
      (leave|record) a voicemail for {person}< saying {text}>
      (leave|send) {person} a voicemail< that {text}>
      = I want to leave a voicemail< for {person}> saying {text}
      record for {person} a voicemail< that says {text}>
      = I want a voicemail< for {person}> that says {text}`,
    test: `
      record a voicemail< for {person}> saying {text}
      = I want to send {person} a voicemail< saying {text}>
      send a voicemail to {person}< that {text}>`,
    many: `(leave|send) a voicemail saying {text} for *{person}*`,
    manyTest: `record a voicemail *for {person} saying {text}*`,
  },
  {
    names: 'block_contact|block_person|block_caller',
    description: 'Block a contact for some days',
    family: 'talk',
    params: ['person|contact|contact_name: person', 'days?: 2..60'],
    train: `
      block <{person}~someone>[ for {days} days]
      (block|stop) all calls from <{person}~someone>[ for {days} days]
      put <{person}~someone> on the block list[ for {days} days]
      = I want to block <{person}~someone>[ for {days} days]
      stop {person} from calling me[ for {days} days]
      (never|do not) let <{person}~someone> call me[ for {days} days]
      = I want no calls from <{person}~someone>[ for {days} days]`,
    test: `
      stop calls from <{person}~someone>[ for {days} days]
      = I want <{person}~someone> on the block list[ for {days} days]
      put <{person}~someone> on my block list[ for {days} days]`,
    many: `block *{person}*`,
    manyTest: `block calls from *{person}*`,
  },
]);
