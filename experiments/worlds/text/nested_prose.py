"""Invented prose of nested topics: what austen.py --generate writes where the novels cannot be had.

Six works of fifty chapters. Words are made of syllables; which of them a sentence uses is decided in four nested steps, so that there
is something to know on every time scale: a work has its people and places, a chapter its topic, a paragraph one of the topic's sides,
a sentence its own subject. Function words and grammar are English. The same seed gives the same bytes.
"""

import random
import textwrap

WORKS, CHAPTERS, PARAGRAPHS = 6, 50, (24, 38)
WIDTH = 72

ONSETS = "b c d f g h l m n p r s t v w br cl dr fl gr pl sh st th tr".split()
VOWELS = "a e i o u ai ea oo ou".split()
CODAS = ["", "", "l", "m", "n", "nd", "r", "rt", "sh", "st", "t", "ck"]
DETERMINERS = ["the", "the", "the", "a", "this", "that", "every", "some", "her", "his", "their", "no"]
PREPOSITIONS = ["of", "in", "with", "under", "near", "after", "before", "without", "against", "upon"]
JOINTS = ["and", "but", "for", "while", "because", "although", "so that", "until", "as if"]
OPENERS = ["At length", "In the morning", "After some time", "Before long", "On the whole", "That evening", "Once more", "To be sure",
           "For a while"]
SAYINGS = ["said", "cried", "replied", "returned", "whispered"]


class Words:
    """Makes words that have not been made before."""

    def __init__(self, dice):
        self.dice = dice
        self.made = set()

    def stem(self):
        # Short words first; when most of them have been made, longer ones.
        for attempt in range(1000):
            syllables = self.dice.choice((1, 2, 2)) + attempt // 4
            word = "".join(self.dice.choice(ONSETS) + self.dice.choice(VOWELS) for _ in range(syllables)) + self.dice.choice(CODAS)
            if len(word) > 3 and word not in self.made:
                self.made.add(word)
                return word
        raise RuntimeError("no word is left")

    def many(self, count, ending="", capital=False):
        words = [self.stem() + ending for _ in range(count)]
        return [word.capitalize() for word in words] if capital else words

    def lexicon(self, nouns, verbs, adjectives):
        return {"noun": self.many(nouns), "verb": self.many(verbs, "ed"), "adjective": self.many(adjectives, "y")}


class Speaker:
    """Draws sentences. Each content word comes from one of the nested lexicons, the nearer the likelier."""

    WEIGHTS = (0.40, 0.25, 0.20, 0.15)  # side, topic, work, common

    def __init__(self, dice, lexicons, people, places):
        self.dice, self.lexicons, self.people, self.places = dice, lexicons, people, places
        self.subject = None

    def word(self, kind):
        lexicon = self.dice.choices(self.lexicons, self.WEIGHTS)[0]
        words = lexicon[kind]
        # A few words of every lexicon do most of the work, as in real text.
        return words[min(int(self.dice.paretovariate(1.0)) - 1, 10 ** 6) % len(words)]

    def noun_phrase(self):
        adjective = self.word("adjective") + " " if self.dice.random() < 0.35 else ""
        noun = self.subject if self.subject and self.dice.random() < 0.3 else self.word("noun")
        determiner = self.dice.choice(DETERMINERS)
        if determiner == "a" and (adjective or noun)[0] in "aeiou":
            determiner = "an"
        phrase = determiner + " " + adjective + noun
        if self.dice.random() < 0.25:
            where = self.dice.choice(self.places) if self.dice.random() < 0.4 else "the " + self.word("noun")
            phrase += " " + self.dice.choice(PREPOSITIONS) + " " + where
        return phrase

    def clause(self):
        who = self.dice.choice(self.people) if self.dice.random() < 0.35 else self.noun_phrase()
        tail = self.dice.choice(["", " " + self.noun_phrase(), " " + self.dice.choice(PREPOSITIONS) + " " + self.noun_phrase()])
        return who + " " + self.word("verb") + tail

    def sentence(self):
        self.subject = self.word("noun")
        text = self.clause()
        if self.dice.random() < 0.45:
            text += self.dice.choice([", ", "; ", ", "]) + self.dice.choice(JOINTS) + " " + self.clause()
        if self.dice.random() < 0.15:
            text = self.dice.choice(OPENERS) + ", " + text
        text = text[0].upper() + text[1:]
        if self.dice.random() < 0.15:
            return '"%s," %s %s.' % (text, self.dice.choice(SAYINGS), self.dice.choice(self.people))
        return text + self.dice.choices([".", "!", "?"], (0.92, 0.05, 0.03))[0]


def chapter(dice, number, common, work, words):
    topic = words.lexicon(24, 12, 8)
    sides = [words.lexicon(12, 6, 4) for _ in range(5)]
    people = dice.sample(work["people"], 4)
    lines = ["CHAPTER %d" % number]
    for _ in range(dice.randint(*PARAGRAPHS)):
        speaker = Speaker(dice, (dice.choice(sides), topic, work, common), people, work["places"])
        text = " ".join(speaker.sentence() for _ in range(dice.randint(2, 8)))
        lines += [""] + textwrap.wrap(text, WIDTH, break_long_words=False, break_on_hyphens=False)
    return lines


def write_all(out, seed, write_chapters):
    """Writes work_1.txt to work_6.txt below `out`; nothing where all of them are there for this seed."""
    mark = out / ("nested_prose_seed_%d" % seed)
    files = [out / ("work_%d.txt" % (number + 1)) for number in range(WORKS)]
    if mark.is_file() and all(path.is_file() for path in files):
        print("%d works are already in %s" % (WORKS, out))
        return
    out.mkdir(parents=True, exist_ok=True)
    dice = random.Random(seed)
    words = Words(dice)
    common = words.lexicon(60, 30, 20)
    total = 0
    for path in files:
        work = words.lexicon(40, 20, 12)
        work["people"] = words.many(12, capital=True)
        work["places"] = words.many(8, capital=True)
        size = write_chapters(path, [chapter(dice, number + 1, common, work, words) for number in range(CHAPTERS)])
        total += size
        print("%s: %d chapters, %d bytes" % (path.stem, CHAPTERS, size))
    mark.write_text("made by austen.py --generate --seed %d\n" % seed, encoding="utf-8")
    print("%d works, %d bytes in %s" % (WORKS, total, out))
