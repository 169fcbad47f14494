package probe

import "strings"

var (
	adjectives = strings.Fields(`amber brisk calm crimson dusty eager faint gentle golden hollow icy jolly keen lively mellow narrow olive patient quiet rapid
		rusty silent slender smooth solid spare steady subtle sunny swift tidy tender upper vivid warm weary wild wooden young zealous bitter bright clever
		copper curious distant drowsy early frosty green humble idle level lucky modest noble plain proud royal sharp simple sturdy violet`)
	nouns = strings.Fields(`lantern harbor meadow saddle compass orchard pebble thicket anvil basket candle dagger engine feather garden hammer island jacket
		kettle ladder mirror needle oyster pillow quarry ribbon shovel tunnel umbrella velvet window anchor barrel cottage drawer easel falcon goblet hinge inkwell
		jewel kitchen lobster magnet nutmeg otter paddle quilt raven sandal teapot urchin valley walnut yarn zipper bridge canyon desk ember fiddle glacier hedge`)
	people = strings.Fields(`Orlando Beatrix Casimir Delphine Eustace Fenella Gaspard Henrietta Isidore Jocasta Kasimir Leonora Mortimer Nerissa Octavian Petronella
		Quentin Rosalind Sebastian Theodora Ulrich Valentina Wendelin Xanthe Yolanda Zacharias Ambrose Clementine Dorian Evangeline`)
	towns = strings.Fields(`Tilverton Marrowby Oskenfeld Quillham Brindlewick Farrowdale Glenmoss Hartlebury Ironvale Kestrelford Lowmere Nettlecombe Pinehollow
		Ravensby Saltmarsh Thornfield Umberley Wexcombe Yarrowgate Zellbruck`)
	jobs = strings.Fields(`beekeeper clockmaker glassblower surveyor bookbinder locksmith gardener cartographer baker ferryman weaver organist veterinarian
		lighthouse-keeper stonemason brewer translator chemist piano-tuner carpenter`)
)
