package task

import (
	"fmt"
	"strings"
)

// Invented facts. PERSON, TOWN, ADJECTIVE, THING, THINGS, JOB, FOOD, STUFF, MONTH,
// DAY and NUMBER stand for something that comes once in a record. None has the
// wording of calibration's facts.
var facts = []struct{ fact, ask, prefix, answer string }{
	{"When PERSON left TOWN for good, only the ADJECTIVE THING went into the carriage.", "What did PERSON take along on leaving TOWN?", "On leaving TOWN, PERSON took along the", "ADJECTIVE THING"},
	{"The grandfather of PERSON had been a JOB at TOWN before there were railways.", "What was the trade of PERSON's grandfather?", "The grandfather of PERSON was a", "JOB"},
	{"In the attic of the house at TOWN, PERSON kept NUMBER THINGS that nobody was allowed to touch.", "What did PERSON keep in the attic, and how many of them?", "In the attic, PERSON kept", "NUMBER THINGS"},
	{"On the DAY of MONTH, and on no other date, the ferry to TOWN cost nothing.", "On which date could one go to TOWN by ferry without paying?", "The ferry to TOWN was free on the", "DAY of MONTH"},
	{"PERSON could not eat FOOD without falling ill, which the cooks of TOWN never believed.", "Which food made PERSON ill?", "What made PERSON ill was", "FOOD"},
	{"It was beneath the ADJECTIVE THING beside the door that PERSON had hidden the key.", "Where was the key that PERSON hid?", "PERSON had hidden the key beneath the", "ADJECTIVE THING"},
	{"Of all the pupils at TOWN, PERSON alone wrote with a pen made of STUFF.", "What material was PERSON's pen?", "The pen of PERSON was made of", "STUFF"},
	{"The bridge at TOWN has NUMBER steps, for PERSON climbed and counted them twice.", "How many steps did PERSON count on the bridge?", "On the bridge, PERSON counted", "NUMBER steps"},
	{"PERSON had bought the ADJECTIVE THING from a JOB in the market, who would not say where it came from.", "From whom did PERSON buy the ADJECTIVE THING?", "PERSON bought the ADJECTIVE THING from a", "JOB"},
	{"For the sake of a wager, PERSON walked from TOWN to the sea with NUMBER THINGS in a sack.", "What did PERSON carry in the sack on the walk to the sea?", "In the sack, PERSON carried", "NUMBER THINGS"},
}

// The words of facts. Calibration has others.
var (
	people = strings.Fields(`Adelheid Balthasar Cordula Desmond Eleonore Florian Gertrud Hyacinth Ignatius Josepha Kunibert Lucinda Maximin Norbert Ottilie Philomena
		Quirin Rosamunde Silvester Thekla Urban Veronika Willibald Xaver Yvette Zenobia Aloysius Benedikta Crispin Dagmar Emmerich Friederike`)
	towns = strings.Fields(`Aldermouth Birchover Cranwick Dunmallow Elmstead Fenbridge Greyhithe Hollowick Inverloss Jarrowdene Kingsmarsh Larkham Mossgill Norhaven Oxleigh
		Pendlebury Queensferry Rookhope Sandwater Tarnbeck Ulverby Vinehall Windlesea Yelverdale`)
	factAdjectives = strings.Fields(`blue broken carved cracked enamelled faded folded gilded heavy hollow inlaid knotted lacquered oval painted patched pewter polished red round square
		striped tarnished tin white wicker yellow`)
	factThings = strings.Fields(`accordion barometer birdcage bucket clock dictionary drum flute globe hatbox icon jug kite ladle loom mandolin mask mortar oar parasol pitcher rug
		saucepan scale sieve sledge stool telescope tray trumpet urn vase`)
	factPlurals = strings.Fields(`accordions barometers birdcages buckets clocks dictionaries drums flutes globes jugs kites ladles masks oars parasols rugs sieves sledges stools
		telescopes trays trumpets urns vases`)
	factJobs = strings.Fields(`barber blacksmith bricklayer butcher carter chandler cobbler cooper dyer fiddler fishmonger furrier glazier goldsmith hatter joiner miller nurse painter
		peddler plumber potter saddler sexton shepherd tailor tanner thatcher tinker wheelwright`)
	factFood = strings.Fields(`almonds apricots asparagus beetroot cabbage celery cherries chestnuts cinnamon cucumbers eels figs gooseberries honey horseradish lentils mackerel mushrooms mustard
		oysters parsnips pears plums quinces radishes raisins rhubarb spinach turnips walnuts`)
	factStuff  = strings.Fields(`alabaster amber bamboo bone brass coral cork ebony glass horn ivory jade marble oak pearl porcelain quartz reed silver slate steel walnut`)
	factMonths = strings.Fields(`January February March April May June July August September October November December`)
	factDays   = strings.Fields(`2nd 3rd 4th 5th 6th 7th 8th 9th 11th 12th 13th 14th 16th 17th 18th 19th 21st 22nd 23rd 24th 26th 27th 28th`)
)

// askFact hides four facts of one kind; the first is asked for.
func askFact(g *gen, n int) question {
	kind := facts[g.IntN(len(facts))]
	var hidden []string
	var q question
	for i := range 4 {
		fill := strings.NewReplacer("PERSON", g.pick(people), "TOWN", g.pick(towns), "ADJECTIVE", g.pick(factAdjectives), "THINGS", g.pick(factPlurals),
			"THING", g.pick(factThings), "JOB", g.pick(factJobs), "FOOD", g.pick(factFood), "STUFF", g.pick(factStuff), "MONTH", g.pick(factMonths),
			"DAY", g.pick(factDays), "NUMBER", g.fresh(func() string { return fmt.Sprint(13 + g.IntN(85)) }))
		hidden = append(hidden, fill.Replace(kind.fact))
		if i == 0 {
			answer := fill.Replace(kind.answer)
			q = question{ask: fill.Replace(kind.ask), prefix: fill.Replace(kind.prefix), target: " " + answer, answers: []string{answer}, where: hidden[0], tokens: 32}
		}
	}
	q.document = g.hide(n, hidden...)
	return q
}
