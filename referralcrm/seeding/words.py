# ruff: noqa: SIM905  # words in a row are easier to read, and to add to, than a column of them
"""What invented people, places and reasons are made of. Nobody here is meant to be anybody.

Patients' family names stand in no other list: so a search of a database's dump for a patient's full name
can't be fooled by a clinician of the same name.
"""

GIVEN_NAMES = (
    "Amara Aaliyah Agnieszka Ahmed Aiko Alejandro Aline Amir Ana Andrés Anh Anjali Anneliese Antônio Arjun"
    " Astrid Ayşe Beatriz Björn Brigid Camila Carlos Chiara Chidi Chloé Clara Connor Daniela David Deepa"
    " Diego Dmitri Eleanor Elif Emeka Émile Esther Fatima Femi Fiona Françoise Gabriel Giulia Grace Hannah"
    " Hana Haruto Hiroshi Ibrahim Ines Ingrid Isaac Ivana Jamal Jasmine Jerzy Jin João José Julia Kamala"
    " Karim Katarzyna Keisha Kenji Kwame Lars Latoya Layla Léa Leila Liam Linh Lucía Łukasz Magda Malik"
    " Marcus María Martina Mateo Mei Miguel Mina Mohammed Monique Nadia Naomi Niamh Noor Oluwaseun Omar"
    " Paolo Patricia Pedro Petra Priya Rafael Rania Rashid Rebecca René Rosa Ruth Samira Samuel Santiago"
    " Sean Siobhán Sofía Søren Sunita Tanisha Thandi Thomas Tomasz Valentina Viktor Wanjiru Wei Xiomara"
    " Yasmin Yuki Yusuf Zainab Zoë"
).split()
CLINICIAN_NAMES = (
    "Abara Achebe Adeyemi Aguilar Ahluwalia Andersson Arslan Atkinson Baptiste Barzani Beauchamp Bergström"
    " Bhattacharya Bianchi Brannigan Calloway Castellanos Chaudhry Cho Cisneros Contreras D’Angelo Dąbrowski"
    " Delacroix Desai Diallo Dietrich Dubois Eriksen Espinoza Fairweather Farahani Ferreira Fitzgerald Fofana"
    " Fontaine Forsythe Fujimoto Gallagher García Ghorbani Goldberg Gonçalves Grünwald Gutiérrez Hakimi"
    " Halvorsen Hargreaves Hashimoto Hassan Hernández Holmström Hussein Ibáñez Ishikawa Ivanova Jankowski"
    " Jørgensen Joshi Kaminski Kapoor Karimi Keller Khoury Kim Kovačević Krishnan Kruger Lefèvre Lindqvist"
    " Lopes MacAllister Mahmoud Marchetti Mbeki McGrath Medina Menon Moreau Mukherjee Müller Nakamura Nascimento"
    " Ndiaye Nguyễn Novák Nwosu O’Brien O’Sullivan Öztürk Okafor Okonkwo Oliveira Ortega Osei Pappas Park"
    " Patel Pereira Petrov Pham Pillai Quintero Rahman Ramírez Reddy Reyes Rinaldi Rosenthal Rossi Sato"
    " Schäfer Sharma Silva Simmons Sørensen Sokolov Stankovic Suárez Suzuki Szabó Takahashi Tanaka Tran"
    " Tremblay Vance Vargas Vasquez Villanueva Volkov Wagner Watanabe Weiß Whitaker Wójcik Yamamoto Yang"
    " Yıldız Yoon Zhang Zimmermann Żukowski"
).split()
PATIENT_NAMES = (
    "Abernathy Alderidge Amblewood Applegarth Arrowby Ashdale Ávilares Barrowcliff Beckenham Bellweather"
    " Birchmore Blackthorne Bramwell Brightwater Brookshaw Calderwood Cardosanto Carmody Castlebury Châtelroux"
    " Clearwell Coppersmith Cranmere Crestfield Dalrymple Darlingford Deverell Dovecote Duskwood Eastbrook"
    " Elderfield Elmhurst Everhart Fairbourne Falkridge Featherstone Fernández-Rueda Fieldhouse Foxworthy"
    " Garrowby Glenhaven Goldsworth Greenhalgh Grimshawe Güntherberg Hallowell Harrowgate Hawthornby Hazelton"
    " Heatherly Highsmith Hollowbrook Honeycutt Huckaby Inglewood Ironmonger Jessamine Juniper Kellerbach"
    " Kestrelman Kirkbride Lancashire Larkspur Lindenhall Lockridge Longmeadow Maplethorpe Marchbanks Marigold"
    " Meadowcroft Merriweather Millstone Moonstone Mossgrove Nettleship Nightingale Northcote Núñezcal Oakhurst"
    " Oldcastle Orchardson Ottaway Pemberton Pennyfeather Pinkerton Ploughman Quickfall Rainsford Ravenscroft"
    " Redfern Ridgewell Rivermead Rosewarne Saltmarsh Sandringham Shadwell Silverlake Snowdrop Somerfield"
    " Starling Stonebridge Strathmore Summerhayes Swallowtail Tanglewood Thistledown Thornbury Tillinghast"
    " Underhill Vallencourt Wagstaff Wainwright Weatherby Westerfield Whitlock Wildgoose Willowby Winterbourne"
    " Woodthorpe Wychwood Yarborough Yellowlees Zábransky"
).split()
PLACES = (
    ("Salem", "01970"),
    ("Beverly", "01915"),
    ("Peabody", "01960"),
    ("Lynn", "01902"),
    ("Danvers", "01923"),
    ("Marblehead", "01945"),
    ("Gloucester", "01930"),
    ("Newburyport", "01950"),
    ("Ipswich", "01938"),
    ("Haverhill", "01830"),
    ("Lawrence", "01841"),
    ("Andover", "01810"),
    ("Methuen", "01844"),
    ("Amesbury", "01913"),
    ("Swampscott", "01907"),
    ("Saugus", "01906"),
    ("Wakefield", "01880"),
    ("Reading", "01867"),
    ("Woburn", "01801"),
    ("Lowell", "01852"),
)
STATE = "MA"
AREA_CODES = ("978", "781", "351", "339")
STREETS = (
    "Alder Street,Bayview Avenue,Canal Street,Chestnut Street,Dock Lane,Elm Street,Federal Street,Foundry Road"
    ",Garden Street,Harbor Road,High Street,Lighthouse Lane,Linden Street,Main Street,Mill Road,Orchard Street"
    ",Quarry Road,River Street,Summer Street,Washington Street"
).split(",")
OFFICE_WORDS = (
    "Alderbrook Baystone Bluefin Breakwater Cedar Clamshell Cobblestone Copperbeech Cranberry Driftwood"
    " Eastwind Fernbrook Foxglove Granite Harborlight Heron Hillcrest Ironwood Juniper Lantern Larch Laurel"
    " Longfield Maple Marshview Millpond Northgate Oakmont Osprey Pinebank Plover Quincebury Rosehip Sandpiper"
    " Seaglass Sorrel Spindrift Stonewall Tidewater Trillium Waterline Whistler Willowmere"
).split()
CONTACT_JOBS = ("Referral coordinator", "Front desk", "Office manager", "Medical assistant")
PAYERS = (
    "Bluewater Health Plan",
    "Commonwealth Choice",
    "Medicare",
    "MassHealth",
    "Harbor Mutual",
    "Pilgrim’s Rest PPO",
    "Self-pay",
)
LANGUAGES = (  # of an office's people; an empty one is not known
    ("English",),
    ("English", "Spanish"),
    ("English", "Portuguese"),
    ("English", "Haitian Creole"),
    ("English", "Spanish", "Portuguese"),
    (),
)
SENT_FOR = (
    "Needs a clinician close to home; no complaint at present.",
    "Second opinion asked for by the patient. Findings so far are with the letter.",
    "Follow-up of a finding outside our field; not urgent.",
)
PERSONAL_NOTES = (
    "Sails; keeps a small boat in Marblehead.",
    "Trained in our city and likes to talk about it.",
    "Prefers to be called before nine.",
    "Coaches the girls’ soccer team on Saturdays.",
    "Reads every consult note, and says so.",
    "Twins since last spring.",
)
OFFICE_NOTES = (
    "Park behind the building; the front door sticks.",
    "Faxes go to the desk upstairs, not to the clinicians.",
    "Lunch is from noon to one, nobody answers the phone.",
    "Ask for the referral coordinator first.",
)
VISIT_NOTES = (
    "Purpose: say hello to the new front desk. Learned: they like to send by fax. Next: bring our fax form.",
    "Purpose: thank them in person. Learned: our waits are what they hear about. Next: send them our open days.",
    "Purpose: ask how our reports arrive. Learned: on paper, and late. Next: switch them to the portal.",
    "Purpose: introduce a new physician. Learned: two clinicians start in spring. Next: come back in March.",
    "Purpose: regular visit. Learned: all well, the office manager is leaving. Next: meet the successor.",
)
CALL_NOTES = (
    "Thanked for the referral and said when the patient will be seen.",
    "Reached the office; left thanks with the referral coordinator.",
    "Short call, glad to hear from us.",
)
REPORT_CALL_NOTES = (
    "Told what we found and what comes next; the note follows by fax.",
    "Spoke in person, agreed on who follows up.",
)
STEP_NOTES = {
    "attempted": ("No answer.", "Left a message to call us back.", "Voice mail is full."),
    "declined": ("Plan is not in our network.", "Needs a service we don't offer."),
    "unreachable": ("Three calls and a letter.",),
    "cancelled": ("Will be seen elsewhere.", "Patient would rather wait."),
    "reported_back": ("Consult note sent.", "Consult note faxed.", "Told by phone."),
}
SKIP_REASONS = (
    "Met in person this week.",
    "Asked us not to send cards.",
    "A partner of mine; I thank him daily.",
)
PERSONAL_LINES = (
    "Thank you for your trust in us this autumn.",
    "It is always a pleasure to share care with you.",
    "Your careful notes made our work easy.",
)
