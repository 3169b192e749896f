/**
 * The words that free-text values are made of. values.ts splits each list into training and test words by hash;
 * a capital says how a made-up word in its place is written.
 */
function words(text: string): readonly string[] {
  return text.trim().split(/\s+/);
}

export const LEXICON = {
  first:
    words(`Anna Ben Clara David Elena Felix Grace Hugo Iris Jonas Karin Leo Maria Noah Olga Paul Quinn Rosa Sam
    Tina Uma Victor Wendy Xenia Yusuf Zoe Amir Bianca Carlos Daria Emil Fiona Gustav Helga Ivan Julia Kofi Lena Marco Nadia
    Oscar Priya Ravi Sofia Theo Ursula Vera Walter Yara Zane Aisha Boris Carmen Dmitri Edith Farid Gina Henrik Ingrid
    Jamal Keiko Linus Mona Nils Odette Pedro Renata Stefan Tariq Viola`),
  tune: words(`Blue Silver Midnight River Golden Shadow Summer Winter Thunder Velvet Crystal Ocean Desert Neon Broken
    Silent Dancing Falling Morning Electric Paper Glass Wild Lonely Burning Frozen Hidden Sweet Purple Crimson Island
    Harbor Comet Garden Mirror Lantern Horizon Avalanche Tiger Falcon Orchid Ember Willow Marble Copper Canyon Meadow
    Rocket Satellite Whisper Carousel Diamond Feather Phantom Tempest Voyage Wonder Cinder Mosaic Prairie`),
  city: words(`Paris London Rome Berlin Madrid Vienna Lisbon Oslo Dublin Prague Athens Warsaw Cairo Lagos Nairobi Tokyo
    Seoul Mumbai Delhi Sydney Toronto Boston Chicago Denver Dallas Miami Seattle Lima Quito Bogota Havana Geneva Zurich
    Milan Naples Porto Ghent Bergen Malmo Tampere Krakow Riga Vilnius Sofia Izmir Beirut Tunis Accra Dakar Hanoi Manila
    Jakarta Perth Hobart Osaka Kyoto Busan Calgary Ottawa Tucson`),
  venue:
    words(`Museum Station Airport Hospital Library Stadium Theater Market Bakery Gallery Pharmacy Hotel Bridge
    Castle Square Cinema Arena Plaza Temple Tower Mall College Bistro Tavern`),
  spot: words(`bakery pharmacy hospital library supermarket bank cinema museum florist gym bookstore playground barber
    dentist laundromat butcher brewery sauna zoo mosque church hostel diner cafe kiosk garage tailor optician`),
  room: words(`kitchen bedroom bathroom hallway office attic basement garage nursery studio lounge pantry porch library
    den cellar closet veranda corridor loft playroom sunroom workshop laundry foyer patio gallery alcove mudroom
    conservatory vestibule bunkroom`),
  door: words(
    `front back garage balcony basement side garden cellar terrace shed attic patio main kitchen barn gate laundry storage workshop office`,
  ),
  grocery:
    words(`milk bread eggs butter cheese apples bananas rice pasta tomatoes onions garlic carrots spinach yogurt
    honey sugar flour salt pepper lemons oranges grapes olives mushrooms beans lentils tofu salmon chicken beef ham
    cereal oats coffee tea juice soda chocolate cookies almonds walnuts peanuts basil parsley ginger celery cucumbers
    zucchini broccoli cabbage radishes peaches plums cherries mangoes figs raisins mustard ketchup vinegar`),
  dish: words(`lasagna risotto ramen tacos curry chili pancakes waffles omelet paella gnocchi ravioli goulash pierogi
    sushi falafel hummus couscous burritos enchiladas stew chowder gumbo meatballs quiche souffle ratatouille moussaka
    dumplings pilaf brownies cheesecake tiramisu granola burger stroganoff teriyaki fajitas`),
  thing:
    words(`lamp chair table carpet kettle toaster blender vase mirror pillow blanket backpack umbrella jacket sweater
    boots sneakers scarf gloves helmet tent lantern hammer drill ladder bucket broom sofa desk shelf candle clock camera
    tripod keyboard printer monitor headphones speaker charger guitar violin drum skateboard kayak tricycle puzzle notebook
    pencil stapler envelope suitcase wallet perfume bracelet necklace teapot skillet spatula`),
  topic:
    words(`football chess climate robots elections space energy tennis fashion jazz opera physics history volcanoes
    dinosaurs whales bees gardening sailing surfing skiing hockey cricket rugby golf poetry painting sculpture ballet
    theater economy banking housing education vaccines farming forests oceans planets comets astronomy chemistry
    genetics puzzles knitting pottery origami archery fencing wrestling`),
  event:
    words(`meeting dinner lunch party concert interview wedding workshop lecture picnic rehearsal seminar webinar
    barbecue checkup haircut exam audition briefing reunion festival hike recital tournament ceremony brunch conference graduation gala auction symposium assembly banquet retreat hearing excursion`),
  about:
    words(`team family budget project birthday school dentist garden design sales choir football book chess garden
    office summer winter marketing charity yoga piano`),
  label:
    words(`pasta laundry pizza eggs homework yoga nap cookies bread tea workout break study rice dishes cake
    groceries packing party travel garden gifts books camping hardware office school picnic cleaning birthday weekend
    soup stew rolls meeting reading pottery sauna roast chores piano guitar oven bath muffins beans lentils`),
  listname:
    words(`shopping packing party travel garden gifts books camping hardware office school picnic cleaning birthday
    weekend movies snacks tools medicine wedding pantry baking bucket holiday hiking beach moving winter kids`),
  purpose:
    words(`groceries rent clothes travel fuel hobby sports music coffee gifts books snacks tools medicine parties camping
    toys furniture pets cinema concerts lunch dinner repairs insurance cosmetics flowers stationery souvenirs`),
  device:
    words(`headphones speaker keyboard watch tablet printer camera scale mouse earbuds laptop soundbar controller
    thermometer projector headset toothbrush doorbell drone router joystick treadmill stylus webcam turntable`),
  shop: words(`Northwind Brightmart Homely Fabrico Lumina Gadgetry Bookly Petalo Sportiva Toyland Greenly Stylo Megastore
    Pixelate Urbano Kitchenly Freshly Woodcraft Velora Techno Bikeland Sunmart Bluebird Oakwood Silverline Redleaf`),
  app: words(`Chatter Notely Mapster Fitly Budgety Snapper Weatherly Podster Taskly Readly Cookly Banker Puzzler Runner
    Dreamer Sketcher Lingua Tuner Parker Movely Docker Gamer Planner Mixer Stargaze Bookish`),
  word: words(`serene candid frugal obscure resilient tangible austere benign cryptic diligent eloquent fickle gullible
    humble inept jovial lucid morose nimble opaque placid quaint robust sturdy tacit urbane verbose wary zealous brittle
    dormant feasible genial hollow lavish mellow novel ornate pensive solemn`),
  plant: words(
    `fern cactus orchid basil ficus palm ivy lily rose tulip jasmine mint violet bamboo aloe begonia lavender geranium hibiscus azalea dahlia peony yucca philodendron petunia camellia`,
  ),
  garden: words(
    `lawn orchard greenhouse hedge meadow flowerbed backyard courtyard vineyard patio terrace nursery`,
  ),
} as const satisfies Readonly<Record<string, readonly string[]>>;

export type LexiconName = keyof typeof LEXICON;

/**
 * What each kind of text is made of: `<name>` is a word of that list, everything else is said as it stands.
 * A pattern listed twice is twice as likely.
 */
export const TEXT_KINDS: Readonly<Record<string, readonly string[]>> = {
  person: ['<first>', '<first>', '<first>', '<first> <first>'],
  first: ['<first>'],
  artist: ['<first> <first>', '<tune> <first>', '<first>', 'the <tune> <tune>'],
  title: ['<tune> <tune>', '<tune> <tune>', '<tune>', '<tune> of <tune>', 'The <tune> <tune>'],
  city: ['<city>'],
  place: ['<city>', '<city> <venue>', '<first> <venue>', '<tune> <venue>'],
  spot: ['<spot>'],
  room: ['<room>', '<room>', '<room>', 'guest <room>', 'small <room>'],
  door: ['<door>'],
  grocery: ['<grocery>', '<grocery>', 'fresh <grocery>', 'frozen <grocery>', '<grocery> oil'],
  dish: ['<dish>', '<dish>', '<grocery> <dish>', 'spicy <dish>', '<grocery> soup'],
  thing: ['<thing>', '<thing>', 'red <thing>', 'new <thing>', 'small <thing>'],
  topic: ['<topic>', '<topic>', '<topic> rules', 'modern <topic>', '<city> <topic>'],
  album: ['<city>', '<event>', '<about> <event>', '<topic>', 'summer in <city>'],
  event: ['<event>', '<about> <event>', '<about> <event>', '<event> with <first>'],
  label: ['<label>', '<label>', '<label>', 'big <label>'],
  listname: ['<listname>', '<listname>', 'big <listname>', '<first> <listname>'],
  purpose: ['<purpose>', '<purpose>', 'office <purpose>'],
  device: ['<device>', '<device>', 'new <device>', 'black <device>'],
  shop: ['<shop>'],
  app: ['<app>', '<app>', '<app> <app>'],
  word: ['<word>'],
  plant: ['<plant>', 'big <plant>', 'small <plant>'],
  garden: ['<garden>', 'back <garden>', 'front <garden>'],
  made: ['<made>', '<made>', '<made>', '<made> <made>', '<tune>', '<thing>', '<topic>'],
  task: [
    'buy <grocery>',
    'buy the <thing>',
    'call <first>',
    'clean the <room>',
    'fix the <thing>',
    'return the <thing>',
    'pack the <thing>',
    'pay for the <thing>',
    'prepare the <event>',
    'cook <dish>',
  ],
  message: [
    'I broke the <thing>',
    'the <thing> is here',
    'dinner is <dish>',
    'we need <grocery>',
    'I am in <city>',
    'the <event> is over',
    'we have no <grocery>',
    '<first> is late',
    'I found the <thing>',
    '<first> is here',
  ],
};
