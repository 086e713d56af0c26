// What is looked at on every page, once it is reached: each answers with what is wrong, a line each.
import { PHONE, WIDE, overflow, violations } from './browser.mjs';

// Everything, without the page being loaded again: some can be reached only once.
export async function inspect(page) {
  const found = { axe: [], narrow: [], mirrored: [], printed: [], focus: [] };
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme });
    found.axe.push(...(await violations(page)).map((what) => `${colorScheme}: ${what}`));
    found.axe.push(...(await faint(page)).map((what) => `${colorScheme}: ${what}`));
    found.printed.push(...(await printed(page)).map((what) => `${colorScheme}: ${what}`));
  }
  await page.setViewportSize(PHONE);
  found.axe.push(...(await smallTargets(page)));
  found.narrow.push(...(await tooWide(page)));
  found.mirrored.push(...(await mirrored(page)));
  await page.setViewportSize(WIDE);
  found.focus.push(...(await stops(page)));
  return found;
}

async function tooWide(page) {
  const wide = await overflow(page);
  return wide ? [`wider than the window: ${wide}`] : [];
}

// WCAG 2.2, 2.5.8, where rows have become cards: 24 by 24 pixels, but for links in a sentence.
async function smallTargets(page) {
  return page.evaluate(() =>
    [...document.querySelectorAll('button, .button, input:not([type=hidden]), select, summary')]
      .filter((element) => element.checkVisibility())
      .map((element) => [element.closest('label') ?? element, element])
      .filter(([target]) => {
        const { width, height } = target.getBoundingClientRect();
        return width < 24 || height < 24;
      })
      .map(([, element]) => `smaller than 24 pixels on a phone: ${element.outerHTML.slice(0, 80)}`),
  );
}

// What is read from right to left stands the other way round, and fits as well.
async function mirrored(page) {
  const before = await places(page);
  await page.evaluate(() => (document.documentElement.dir = 'rtl'));
  const after = await places(page);
  const wrong = (await tooWide(page)).map((what) => `right to left: ${what}`);
  await page.evaluate(() => document.documentElement.removeAttribute('dir'));
  const { width } = page.viewportSize();
  for (const [name, [left, right]] of Object.entries(before)) {
    const [mirroredLeft, mirroredRight] = after[name];
    const isMirrored = Math.abs(left - (width - mirroredRight)) < 2
      && Math.abs(right - (width - mirroredLeft)) < 2;
    if (!isMirrored) wrong.push(`right to left: ${name} is not mirrored`);
  }
  return wrong;
}

// Where the landmarks are, and within them what starts a line: left and right edges.
function places(page) {
  return page.evaluate(() => {
    const landmarks = {
      header: 'header.brand',
      mark: 'header.brand > img',
      areas: 'nav.areas',
      'the first area': 'nav.areas a',
      'the person': '.who',
      tabs: 'nav.tabs',
      'the first tab': 'nav.tabs a',
      main: 'main',
      card: 'main .card',
      'the first button': 'main .actions > :first-child',
    };
    const edges = ({ left, right }) => [left, right];
    const found = {};
    for (const [name, selector] of Object.entries(landmarks)) {
      const element = document.querySelector(selector);
      if (element?.checkVisibility()) found[name] = edges(element.getBoundingClientRect());
    }
    // the words of the heading, which itself is as wide as its column
    const words = document.createRange();
    words.selectNodeContents(document.querySelector('h1'));
    found.heading = edges(words.getBoundingClientRect());
    return found;
  });
}

// WCAG 2.2, 1.4.3: of two colours as browsers write them.
function contrast(...colours) {
  const [dark, light] = colours.map(luminance).sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}

function luminance(colour) {
  const [r, g, b] = colour.match(/[\d.]+/g).map((part) => {
    const value = Number(part) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

// What axe-core does not look at: the words in fields that are empty.
async function faint(page) {
  const fields = await page.evaluate(() =>
    [...document.querySelectorAll('[placeholder]')].map((field) => ({
      words: getComputedStyle(field, '::placeholder').color,
      ground: getComputedStyle(field).backgroundColor,
      name: field.id,
    })),
  );
  return fields
    .filter(({ words, ground }) => contrast(words, ground) < 4.5)
    .map(({ words, ground, name }) => `the placeholder of ${name}: ${words} on ${ground}`);
}

// On paper there are no backgrounds and nothing to press: dark words, and only words.
async function printed(page) {
  await page.emulateMedia({ media: 'print' });
  const [written, pressed] = await page.evaluate(() => {
    const shown = (element) => element.outerHTML.slice(0, 80);
    const texts = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const element = walker.currentNode.parentElement;
      const isSeen = walker.currentNode.data.trim() && element.checkVisibility()
        && !element.closest('.visually-hidden, option, script, svg');
      if (isSeen) texts.push([getComputedStyle(element).color, shown(element)]);
    }
    const controls = 'nav, button, .button, .skip, form[role=search]:not(.card)';
    const left = [...document.querySelectorAll(controls)].filter((it) => it.checkVisibility());
    return [texts, left.map(shown)];
  });
  await page.emulateMedia({ media: null });
  return [
    ...written
      .filter(([colour]) => contrast(colour, 'rgb(255, 255, 255)') < 4.5)
      .map(([colour, what]) => `printed in ${colour}: ${what}`),
    ...pressed.map((what) => `printed: ${what}`),
  ];
}

// WCAG 2.2, 2.4.7 and 2.1.1: what Tab leaves out, and where it does not show.
async function stops(page) {
  // radio buttons of one name are one stop
  const usable = 'a[href], button, input:not([type=hidden], [type=radio]), select, textarea, summary';
  await page.evaluate((selector) => {
    document.activeElement?.blur();
    globalThis.left = new Set(
      [...document.querySelectorAll(selector)].filter(
        (element) => element.checkVisibility() && !element.disabled,
      ),
    );
  }, usable);
  const wrong = [];
  for (let stop = 0; stop < 300; stop += 1) {
    await page.keyboard.press('Tab');
    const [is, isShown, left] = await page.evaluate(() => {
      const element = document.activeElement;
      const { outlineStyle, outlineWidth } = getComputedStyle(element);
      globalThis.left.delete(element);
      const name = element === document.body ? '' : element.outerHTML.slice(0, 80);
      return [name, outlineStyle !== 'none' && outlineWidth !== '0px', globalThis.left.size];
    });
    if (is && !isShown) wrong.push(`no focus is seen at ${is}`);
    if (left === 0) return wrong;
  }
  const left = await page.evaluate(() => [...globalThis.left].map((it) => it.outerHTML.slice(0, 80)));
  return [...wrong, ...left.map((it) => `Tab does not reach ${it}`)];
}
