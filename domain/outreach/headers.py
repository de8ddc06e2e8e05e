"""The words people put above columns, in English, German, Spanish, Polish, French, Italian, Portuguese and Dutch.

All are folded: lower case, no accents, no spaces within a phrase.
"""

_PHRASES = {
    "first_name": """
        firstname forename givenname christianname fname first given vorname rufname primernombre nombredepila imie
        prenom prenome nomedebattesimo primeironome nomeproprio voornaam roepnaam
    """,
    "last_name": """
        lastname surname familyname secondname lname last nachname familienname zuname apellido apellidos primerapellido
        nazwisko nomdefamille cognome sobrenome apelido ultimonome achternaam familienaam
    """,
    "full_name": """
        fullname contactname customername clientname leadname personname contact contactperson contactfullname
        ansprechpartner kontakt kundenname vollstandigername vorundnachname nombrecompleto nombreyapellidos
        nombredelcliente imieinazwisko imienazwisko nomcomplet nometprenom prenometnom nomeecognome nominativo
        nomecompleto volledigenaam contactpersoon naamklant
    """,
    "phone_number": """
        phone telephone tel mobile mob cell cellphone mobilephone contactphone landline ph msisdn whatsapp sms
        handy handynummer mobil mobilnummer mobiltelefon telefon telefonnummer rufnummer festnetz telefono movil
        telefonomovil celular telefonocelular numerodetelefono telefonkomorkowy komorka komorkowy numertelefonu
        nrtelefonu telefonkontaktowy portable telephoneportable telportable gsm numerodetelephone cellulare telefonino
        numeroditelefono recapito telefone telemovel numerodetelefone telefoon telefoonnummer mobiel mobielnummer
        contactnumber contacttelephone telno phonenumber daytimephone eveningphone
    """,
    "email": """
        email mail emailaddress mailaddress emailadresse mailadresse emailaddr correo correoelectronico
        direcciondecorreo adresemail
        poczta pocztaelektroniczna adresseemail courriel adressemail adressemel mel indirizzoemail
        postaelettronica enderecodeemail emailadres
    """,
    "postcode": """
        postcode postalcode postal zip zipcode plz postleitzahl codigopostal cp kodpocztowy codepostal cap
        codiceavviamentopostale codicepostale cep postcodewoonplaats pcode
    """,
    "inquiry_date": """
        inquirydate enquirydate dateofenquiry dateofinquiry date leaddate created createdat createdon createddate
        datecreated dateadded added submitted submittedat submissiondate subscriptiondate signupdate registrationdate
        received datereceived requestdate quotedate timestamp datum anfragedatum anfragevom eingangsdatum erstelltam
        datumderanfrage fecha fechadeconsulta fechadesolicitud fechadealta fechadecreacion data datazapytania
        datautworzenia datazgloszenia datedelademande datededemande datedecreation datarichiesta datadirichiesta
        datadicreazione datadopedido datadecontato datadecriacao datumaanvraag aanvraagdatum aangemaaktop
    """,
    "notes": """
        notes note comments comment remarks remark message description details memo feedback notizen notiz bemerkung
        bemerkungen anmerkung anmerkungen kommentar notas nota comentarios comentario observaciones mensaje notatki
        notatka uwagi komentarz remarques remarque commentaires commentaire observations osservazioni commenti
        observacoes mensagem opmerkingen opmerking notities
    """,
    "company": """
        company companyname organisation organization organisationname organizationname business businessname firm
        accountname employer firma firmenname unternehmen empresa compania nombredelaempresa nazwafirmy przedsiebiorstwo
        entreprise societe nomdelasociete raisonsociale azienda societa ditta ragionesociale nomedaempresa bedrijf
        bedrijfsnaam
    """,
    "source": """
        source leadsource origin channel utmsource campaign referrer howdidyouhearaboutus quelle herkunft leadquelle
        fuente origen procedencia zrodlo zrodloleada pochodzenie provenance origine fonte provenienza origem
        bron herkomst
    """,
    "product": """
        product productname productinterest interest interestedin service serviceinterest enquirytype producttype
        productofinterest projecttype produkt produktname dienstleistung interesse producto servicio productodeinteres
        usluga produit interet prodotto servizio produto servico dienst
    """,
    "address": """
        address streetaddress street addressline road adresse anschrift strasse strassehausnummer direccion calle
        domicilio adres ulica adrespocztowy rue adressepostale indirizzo via endereco rua morada straat
    """,
    "city": """
        city town towncity citytown posttown locality stadt ort wohnort ciudad poblacion localidad municipio miasto
        miejscowosc ville commune localite citta comune localita cidade localidade plaats woonplaats stad
    """,
    "country": """
        country countryname countrycode nation land pais kraj pays paese nazione
    """,
}
EXACT = {phrase: target for target, phrases in _PHRASES.items() for phrase in phrases.split()}

# "Name" and its kin: which half of the name it is depends on the other columns.
NAME_WORDS = frozenset({"name", "nombre", "nom", "nome", "naam", "nazwa"})

# One of these words within a longer header settles it.
_WORDS = {
    "phone_number": """
        phone telephone tel mobile cell handy handynummer telefon telefonnummer mobilnummer telefono movil celular
        komorka komorkowy portable cellulare telefone telemovel telefoon mobiel landline
    """,
    "email": "email mail courriel correo emailadresse",
    "postcode": "postcode zip zipcode postleitzahl plz",
    "first_name": "forename vorname prenom voornaam firstname",
    "last_name": "surname nachname lastname apellidos nazwisko cognome achternaam",
    "notes": "notes comments bemerkungen uwagi notas commentaires opmerkingen",
    "inquiry_date": "enquired inquired",
    "address": "address adresse direccion indirizzo adres",
    "city": "town city",
}
DECISIVE = {word: target for target, words in _WORDS.items() for word in words.split()}

# A header with one of these is about the thing, or about somebody else: "Email opt-in", "Lead owner", "Date of birth".
_TURNING_AWAY = """
    id ids uuid index owner type status stage opt optin optout consent verified valid bounced unsubscribed fax
    birth birthday dob geburtsdatum geburtstag nacimiento urodzenia naissance nascita nascimento geboortedatum
    website web url site link webseite ip agent rep assigned user username password score price amount budget value
    updated modified last closed due provider carrier sent opened clicked
"""
TURNING_AWAY = frozenset(_TURNING_AWAY.split())

# Words that only number or introduce: "Mobile No.", "Tel. Nr", "Numéro de téléphone 2".
NUMBERING = frozenset({"no", "nr", "num", "nbr", "primary", "main", "preferred", "your"})
