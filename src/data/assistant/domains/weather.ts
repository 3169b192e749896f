import { defineDomain } from '../spec.ts';

export const weather = defineDomain('weather', [
  {
    names: 'get_weather|weather_forecast|forecast',
    description: 'Weather forecast for a city',
    params: ['city|place|location: city', 'day|date?: day'],
    train: `
      what's the (weather|forecast)< in {city}>[ on {day}]
      how is the weather< in {city}>[ on {day}]
      (show|tell|give) me the (weather|forecast)< for {city}>[ on {day}]
      what will the weather be< in {city}>[ on {day}]
      (check|get) the weather[ on {day}]< in {city}>`,
    test: `
      tell me how the weather is< in {city}>[ on {day}]
      what's the weather forecast[ on {day}]< for {city}>
      check the forecast[ for {day}]< in {city}>`,
    many: `(show|tell|give) me the weather in *{city}*`,
    manyTest: `check the forecast for *{city}*`,
  },
  {
    names: 'get_temperature|outside_temperature|temperature_in',
    description: 'Temperature outside in a city',
    params: ['city|place|location: city', 'unit|scale?: celsius/fahrenheit'],
    train: `
      how (warm|cold|hot) is it< in {city}>[ in {unit}]
      what's the temperature< in {city}>[ in {unit}]
      (tell|give|show) me the temperature< in {city}>[ in {unit}]
      how many degrees is it< in {city}>[ in {unit}]`,
    test: `
      tell me how warm it is< in {city}>[ in {unit}]
      show the temperature[ in {unit}]< for {city}>
      = I want to see how cold it is< in {city}>[ in {unit}]`,
    many: `(tell|give|show) me the temperature in *{city}*`,
    manyTest: `how many degrees is it in *{city}*`,
  },
  {
    names: 'air_quality|get_air_quality|check_air',
    description: 'Air quality in a city',
    params: ['city|place|location: city'],
    train: `
      how (clean|good|bad) is the air< in {city}>
      what's the air quality< in {city}>
      (check|show|get) the air quality< in {city}>
      is the air (clean|good|bad)< in {city}>`,
    test: `
      show me how clean the air is< in {city}>
      tell me about the air quality< in {city}>
      check the air< in {city}>`,
    many: `(check|show) the air quality in *{city}*`,
    manyTest: `tell me how good the air is in *{city}*`,
  },
  {
    names: 'sun_times|sunrise_sunset|get_sun_time',
    description: 'Time of sunrise or sunset',
    params: ['event|sun_event|kind: sunrise/sunset', 'city|place: city', 'day|date?: day'],
    train: `
      when is the {event}< in {city}>[ on {day}]
      what time is {event}< in {city}>[ on {day}]
      (tell|give|show) me the {event} time< for {city}>[ on {day}]
      (check|get) the time of {event}< in {city}>[ on {day}]
      (tell|show) me when the {event} is< in {city}>[ on {day}]
      at what time is the {event}< in {city}>[ on {day}]`,
    test: `
      tell me at what time the {event} is< in {city}>[ on {day}]
      show the time of the {event}[ on {day}]< in {city}>
      = I want to know the {event} time< in {city}>[ on {day}]`,
    many: `(tell|give|show) me the {event} time for *{city}*`,
    manyTest: `check the {event} time in *{city}*`,
  },
]);
