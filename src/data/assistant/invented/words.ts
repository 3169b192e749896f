/**
 * The broad vocabulary of invented functions. Verbs of one line part mean the same: a function's name, its description
 * and a request may each use another of them. A word of a held-out function may occur, as a real base model has read
 * it too, but never the verb and the noun that together name the function.
 */
import { HELD_OUT_FUNCTIONS, wordsOf } from '../library.ts';
import { testWords } from '../values.ts';

const VERBS = `start|begin|launch stop|halt|end create|make|build delete|remove|erase find|search|locate show|display
  open|unlock close|shut send|dispatch get|fetch|retrieve check|inspect update|refresh rename|relabel copy|duplicate
  move|shift|relocate rotate|turn lift|raise lower|drop paint|color polish|shine repair|fix|mend rent|lease buy|purchase
  sell|trade book|reserve cancel|revoke approve|accept reject|decline assign|allocate invite|welcome merge|combine
  split|divide sort|arrange filter|sift archive|store backup|preserve restore|recover export import upload download
  install|deploy uninstall connect|link disconnect|unlink measure|gauge weigh count|tally compare|contrast rate|grade
  review|examine report|announce publish|release translate|interpret encode|encrypt decode|decrypt compress|shrink
  expand|enlarge trim|crop record|tape play|perform pause|suspend resume|continue mute|silence schedule|plan
  postpone|delay notify|alert|warn remind track|follow|trace monitor|watch scan|survey print|stamp sign|endorse
  pack|wrap unpack|unwrap deliver|ship collect|gather harvest|reap plant|sow feed|nourish clean|tidy wash|rinse
  dry|dehydrate heat|warm cool|chill freeze|ice bake|roast mix|blend stir|whisk pour|fill empty|drain charge|power
  ignite|light dim|darken lock|seal hide|conceal reveal|uncover borrow|loan donate|give exchange|swap calibrate|tune
  align|level attach|fasten detach|loosen bend|curve fold|crease sharpen|hone carve|engrave sew|stitch knit|weave
  mow|cut climb|ascend explore|roam guard|protect rescue|save train|coach teach|instruct test|try verify|confirm
  estimate|guess predict|foresee summarize|condense describe|explain define|specify vote|elect nominate|propose
  hire|employ promote|upgrade pay|reimburse bill|invoice tax|levy insure|cover register|enroll log|note brew|steep
  stack|pile scatter|spread toss|throw catch|grab press|push pull|drag sprinkle|spray ring|chime wave|greet`;

const NOUNS = `lantern canoe ladder bridge tunnel engine rocket satellite telescope microscope compass barometer anchor
  sail rudder cabin cottage mansion palace fountain statue mural canvas easel brush palette frame gallery exhibit ticket
  voucher coupon receipt invoice ledger account balance deposit loan mortgage contract clause signature passport visa
  permit license badge uniform helmet shield armor sword bow arrow quiver saddle stable horse donkey camel goat sheep
  rabbit hamster parrot pigeon eagle hawk turtle lizard snake spider beetle butterfly dragonfly ant colony hive nest
  burrow cave canyon cliff valley glacier iceberg volcano crater desert dune oasis jungle swamp reef lagoon island
  peninsula harbor dock pier lighthouse ferry barge yacht submarine raft paddle oar wagon carriage cart tractor plow
  harvester barn silo mill windmill turbine generator battery circuit sensor antenna receiver transmitter signal beacon
  radar drone robot android sculpture pottery kiln anvil forge hammer chisel drill saw wrench bolt screw nail hinge
  lever pulley gear spring valve pipe faucet sink bathtub shower towel soap sponge bucket mop broom shovel rake hose
  fence gate hedge orchard vineyard greenhouse seed crop grain flour dough loaf pastry pie tart pudding syrup jam jelly
  pickle sausage bacon steak fillet oyster lobster crab shrimp squid pizza burger sandwich wrap noodle broth sauce spice
  recipe menu banquet buffet waiter chef kitchen oven stove grill freezer refrigerator dishwasher blender toaster kettle
  teapot mug goblet plate bowl spoon fork knife napkin tray basket crate barrel carton parcel package envelope letter
  postcard stamp courier warehouse inventory catalog shelf aisle counter cashier customer client vendor supplier partner
  employee manager director intern candidate resume interview salary bonus pension holiday vacation trip voyage cruise
  safari expedition itinerary luggage backpack tent campfire trail summit marathon sprint hurdle trophy medal podium
  referee whistle goal penalty league season roster coach athlete gymnast wrestler boxer dancer singer drummer pianist
  violin trumpet flute harp organ orchestra choir concert album lyric melody rhythm chorus poem novel chapter essay
  article magazine newspaper headline editor reporter journal diary notebook sketch blueprint diagram chart graph table
  spreadsheet database server router cable modem firewall password token key folder document file backup archive
  library module plugin widget button slider menu banner icon cursor window tab screen monitor projector speaker
  microphone camera lens tripod flash photo portrait landscape video clip trailer episode series theater stage curtain
  costume mask puppet circus clown magician acrobat carnival parade festival lawn restaurant pet patient clinic surgery
  bandage thermometer vitamin prescription therapist lesson course exam quiz homework classroom teacher student diploma
  scholarship laboratory experiment molecule crystal magnet prism laser mirror candle lamp chandelier carpet curtain
  cushion mattress blanket quilt wardrobe drawer desk armchair sofa stool bench hammock balcony terrace chimney roof
  attic cellar elevator staircase corridor lobby office meeting agenda deadline milestone budget forecast survey poll
  ballot senator mayor judge lawyer verdict treaty border customs embassy flag anthem museum relic fossil coin jewel
  necklace bracelet watch clock calendar pendulum hourglass sundial storm cloud rainbow comet meteor planet orbit galaxy`;

const ADJECTIVES = `old new big small red green blue golden silver wooden digital public private local remote daily weekly
  monthly yearly main spare fast slow hot cold fresh dry wet loud quiet bright dark heavy light sharp soft royal rural
  urban solar lunar manual automatic shared hidden broken empty full annual internal external urgent simple`;

/** The words of a list, without those that only the test may use, be it in the plural. */
function list(text: string): string[] {
  const banned = testWords();
  const isBanned = (word: string): boolean => banned.has(word) || banned.has(`${word}s`);
  return [...new Set(text.trim().split(/\s+/))].filter((word) => !word.split('|').some(isBanned));
}

/** Groups of verbs that mean the same. */
export const INVENTED_VERBS: readonly (readonly string[])[] = list(VERBS).map((group) => group.split('|'));
export const INVENTED_NOUNS: readonly string[] = list(NOUNS);
export const INVENTED_ADJECTIVES: readonly string[] = list(ADJECTIVES);

const HELD_OUT_NAMES = HELD_OUT_FUNCTIONS.flatMap((spec) => spec.names.map(wordsOf));

/** Tells whether a verb, in any of its wordings, and a noun together name a held-out function. */
export function namesHeldOut(verbs: readonly string[], noun: string): boolean {
  return HELD_OUT_NAMES.some((name) => name.some((word) => verbs.includes(word)) && name.includes(noun));
}
