package simulate

import "math/rand/v2"

// people are first and last names that occur together. A team of a demo is
// drawn from all of them.
var people = [...]struct{ first, last []string }{
	{ // South Asia
		[]string{"Asha", "Vikram", "Priya", "Arjun", "Meera", "Rahul", "Ananya", "Sanjay", "Kavya", "Imran", "Nadia", "Tariq", "Dilani", "Nuwan"},
		[]string{"Rao", "Iyer", "Sharma", "Patel", "Nair", "Reddy", "Gupta", "Das", "Khan", "Siddiqui", "Perera", "Fernando", "Banerjee", "Singh"},
	},
	{ // East Asia
		[]string{"Wei", "Mei", "Jun", "Li Na", "Haruto", "Yui", "Sota", "Aoi", "Min-jun", "Seo-yeon", "Ji-ho", "Xin", "Hao", "Rin"},
		[]string{"Chen", "Wang", "Zhang", "Liu", "Tanaka", "Sato", "Suzuki", "Yamamoto", "Kim", "Park", "Lee", "Choi", "Huang", "Lin"},
	},
	{ // South-East Asia
		[]string{"Linh", "Minh", "Thuy", "Siti", "Budi", "Dewi", "Agus", "Maria", "Jose", "Grace", "Somchai", "Ploy", "Aung", "Thida"},
		[]string{"Nguyen", "Tran", "Pham", "Le", "Santoso", "Wijaya", "Lestari", "Reyes", "Cruz", "Bautista", "Suwan", "Chaiya", "Rahman", "Tan"},
	},
	{ // West and Central Africa
		[]string{"Amina", "Kwame", "Chidi", "Ngozi", "Fatou", "Moussa", "Abena", "Emeka", "Zainab", "Ibrahim", "Adaeze", "Yaw", "Aissatou", "Tunde"},
		[]string{"Okafor", "Mensah", "Diallo", "Traore", "Adeyemi", "Owusu", "Balogun", "Ndiaye", "Eze", "Boateng", "Keita", "Bello", "Sow", "Asante"},
	},
	{ // East and Southern Africa
		[]string{"Wanjiru", "Otieno", "Tendai", "Nomsa", "Thabo", "Lerato", "Sipho", "Amara", "Kamau", "Neema", "Juma", "Selam", "Dawit", "Hanna"},
		[]string{"Mwangi", "Ochieng", "Moyo", "Dlamini", "Nkosi", "Mokoena", "Kimani", "Abebe", "Tesfaye", "Banda", "Phiri", "Mushi", "Ndlovu", "Haile"},
	},
	{ // Middle East, North Africa
		[]string{"Layla", "Omar", "Yasmin", "Karim", "Nour", "Hassan", "Leila", "Reza", "Shirin", "Yusuf", "Elif", "Mehmet", "Salma", "Tarek"},
		[]string{"Haddad", "Mansour", "Khoury", "Rahimi", "Hosseini", "Yilmaz", "Demir", "Kaya", "Benali", "Farouk", "Saleh", "Nasser", "Amrani", "Aziz"},
	},
	{ // Latin America
		[]string{"Sofía", "Mateo", "Camila", "Diego", "Valentina", "Luis", "Lucía", "Thiago", "Ana", "Rafael", "Ximena", "Andrés", "Beatriz", "João"},
		[]string{"García", "Rodríguez", "Silva", "Santos", "Torres", "Ramírez", "Oliveira", "Vargas", "Rojas", "Mendoza", "Castro", "Souza", "Flores", "Quispe"},
	},
	{ // Western and Southern Europe
		[]string{"Emma", "Lukas", "Chiara", "Marco", "Inès", "Hugo", "Sanne", "Daan", "Clara", "Jonas", "Elena", "Nikos", "Aoife", "Rhys"},
		[]string{"Müller", "Rossi", "Dubois", "Schmidt", "Bianchi", "Martin", "de Vries", "Weber", "Papadopoulos", "Moreau", "Bakker", "O'Brien", "Evans", "Ferrari"},
	},
	{ // Northern and Eastern Europe
		[]string{"Freja", "Erik", "Anna", "Piotr", "Katarzyna", "Olena", "Andriy", "Ivana", "Luka", "Eszter", "Mikko", "Aino", "Radu", "Ioana"},
		[]string{"Nielsen", "Johansson", "Kowalski", "Nowak", "Shevchenko", "Bondarenko", "Horvat", "Novak", "Nagy", "Virtanen", "Hansen", "Popescu", "Ionescu", "Berg"},
	},
	{ // North America, Oceania
		[]string{"Maya", "Ethan", "Zoe", "Jordan", "Aaliyah", "Liam", "Chloe", "Marcus", "Tui", "Aroha", "Mia", "Noah", "Kai", "Ruby"},
		[]string{"Johnson", "Williams", "Brown", "Washington", "Tremblay", "Begay", "Walker", "Campbell", "Ngata", "Parata", "Mitchell", "Jackson", "Taylor", "Hughes"},
	},
}

// Names returns plausible names of n different people. It is a pure function:
// the same n and seed give the same names, and a larger n only adds to them.
func Names(n int, seed int64) []string {
	var all []string
	for _, p := range people {
		for _, first := range p.first {
			for _, last := range p.last {
				all = append(all, first+" "+last)
			}
		}
	}
	rand.New(rand.NewPCG(uint64(seed), 0)).Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	names := make([]string, max(0, n))
	for i := range names {
		names[i] = all[i%len(all)] + generation(i/len(all))
	}
	return names
}

// generation tells namesakes apart, once every name is taken.
func generation(n int) string {
	if n == 0 {
		return ""
	}
	suffix := " "
	for ; n > 0; n = (n - 1) / 26 {
		suffix += string(rune('A' + (n-1)%26))
	}
	return suffix + "."
}
