package infin8linx

// Example is a callback to try a source with: a call that nobody made, between numbers
// that belong to nobody.
const Example = `{"id":1,"companycode":"cdrelay-test","direction":"callin","type":"callin","callmethod":0,` +
	`"starttime":"2026-01-01 09:00:00","answertime":"2026-01-01 09:00:10","endtime":"2026-01-01 09:01:10","duration":10,"billsec":60,` +
	`"userid":"1","username":"cdrelay test","disnumber":"+12025550123","destnumber":"+12025550100","extnumber":"100","hangupdirection":10040,"hangupcause":10001}`
